/* What there is to know about a frame, beside the pointer: on hover, on a long press of a finger,
 * and for the frame that the keyboard is on. */
'use strict';

const LONG_PRESS_MS = 450;
const FINGER_SHAKE = 10; /* pixels */

/* At (x, y) if there is room in the window; else further left, or ending at `bottom`. */
function placeTip(element, x, y, bottom) {
	const { style } = element;

	style.left = style.top = '0';
	const { width, height } = element.getBoundingClientRect();
	const left = Math.max(4, Math.min(x, innerWidth - width - 8));
	const top = y + height + 4 > innerHeight && bottom - height > 4 ? bottom - height : y;
	style.left = `${left}px`;
	style.top = `${top}px`;
}

class Tooltip {
	constructor(view) {
		this.view = view;
		this.element = html('div', { class: 'tip', role: 'tooltip', hidden: '' });
		this.timer = 0;
		this.held = false;
		this.pointer = null;
	}

	listen(panel) {
		panel.addEventListener('pointermove', (e) => this.move(e));
		panel.addEventListener('pointerleave', () => this.leave());
		panel.addEventListener('pointerdown', (e) => this.press(e));
		panel.addEventListener('pointerup', () => clearTimeout(this.timer));
		panel.addEventListener('pointercancel', () => clearTimeout(this.timer));
		panel.addEventListener('contextmenu', (e) => {
			if (this.touch) e.preventDefault();
		});
	}

	move(e) {
		if (e.pointerType === 'touch') {
			if (
				Math.hypot(e.clientX - this.start.x, e.clientY - this.start.y) >
				FINGER_SHAKE
			)
				clearTimeout(this.timer);
			return;
		}
		this.pointer = { x: e.clientX, y: e.clientY };
		this.showAt(this.view.boxAt(e.target));
	}

	leave() {
		this.pointer = null;
		if (!this.held) this.hide();
	}

	press(e) {
		this.touch = e.pointerType === 'touch';
		this.held = false;
		if (!this.touch) return;
		this.hide();
		clearTimeout(this.timer);
		this.start = { x: e.clientX, y: e.clientY };
		const box = this.view.boxAt(e.target);
		this.timer = setTimeout(() => {
			this.held = true;
			this.pointer = this.start;
			this.showAt(box);
		}, LONG_PRESS_MS);
	}

	/* Whether the click that now comes ends a long press. */
	wasLongPress() {
		return this.held;
	}

	/* The picture moved beneath a resting pointer. */
	follow() {
		if (!this.pointer || this.held) return;
		const el = document.elementFromPoint(this.pointer.x, this.pointer.y);

		this.showAt(el && this.view.frames.contains(el) ? this.view.boxAt(el) : null);
	}

	showAt(box) {
		if (!box) {
			this.hide();
			return;
		}
		this.fill(box.node);
		placeTip(
			this.element,
			this.pointer.x + 12,
			this.pointer.y + 16,
			this.pointer.y - 12,
		);
	}

	/* For the keyboard: under the frame, or above it. */
	showUnder(el, box) {
		const r = el.getBoundingClientRect();

		this.fill(box.node);
		placeTip(this.element, Math.max(r.left, 0), r.bottom + 6, r.top - 6);
	}

	hide() {
		this.element.hidden = true;
	}

	fill(node) {
		const { tree } = this.view;
		const kind = tree.kind(node);
		const where = node.merged
			? this.mergedText(node)
			: [KINDS[kind], tree.modules[node.frame]].filter(Boolean).join(' · ');

		this.element.replaceChildren(
			html('div', { class: 'name' }, tree.label(node)),
			html('div', { class: 'where' }, where),
			html('div', {}, formatWeight(node.total, tree.unit)),
			this.shares(node),
		);
		this.element.hidden = false;
	}

	mergedText(node) {
		const { tree } = this.view;

		if (!node.step) return 'each too small to be kept in this file';
		return (
			'each too narrow to draw here, from ' +
			`${tree.label(node.kids[0])} to ${tree.label(node.kids.at(-1))}: ` +
			'click to look inside'
		);
	}

	shares(node) {
		const { tree, state } = this.view;
		const rows = [[formatPercent(node.total, tree.root.total), 'of all']];
		const { zoom } = state;

		if (node.up && node.up.up)
			rows.push([
				formatPercent(node.total, node.up.total),
				'of its ' + (state.byLeaf ? 'callee' : 'parent'),
			]);
		if (zoom.up && zoom !== node && zoom !== node.up && node.total < zoom.total)
			rows.push([formatPercent(node.total, zoom.total), 'of the zoomed frame']);
		if (node.was !== null)
			rows.push([
				`${node.change < 0 ? '−' : '+'}${formatPercent(Math.abs(node.change), 1)}`,
				`than in A, where it had ${formatPercent(node.was, 1)}`,
			]);
		if (!state.byLeaf && node.self > 0)
			rows.push([
				formatPercent(node.self, tree.root.total),
				`itself (${formatWeight(node.self, tree.unit)})`,
			]);
		return html(
			'dl',
			{},
			...rows.flatMap(([value, what]) => [
				html('dt', {}, value),
				html('dd', {}, what),
			]),
		);
	}
}
