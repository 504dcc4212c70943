/* One flame graph on the page: the toolbar, the panel with the frames, the legend.
 *
 * Frames are plain boxes with text, placed by layout.js. Only the rows that can be seen are made
 * into elements, so that the size of the tree does not matter. Text from the trace only ever goes
 * through textContent and attributes: nothing in it is ever read as markup.
 *
 * What the person chose is in `state`; whatever changes it calls `update`, which computes the
 * layout, draws, and tells the listener (link.js) to write it into the address. */
'use strict';

const ROW = 18; /* pixels from one row to the next, as in flame.css */
const MIN_TEXT = 30;
const XHTML = 'http://www.w3.org/1999/xhtml';

/* In an SVG document createElement would make elements that are no HTML. */
function html(tag, attributes, ...children) {
	const el = document.createElementNS(XHTML, tag);

	for (const [key, value] of Object.entries(attributes || {})) el.setAttribute(key, value);
	el.append(...children);
	return el;
}

/* Capital letters in the expression ask for capital letters in the name; `\S` is none. */
function compileRegex(text) {
	return new RegExp(text, /[A-Z]/.test(text.replace(/\\./g, '')) ? '' : 'i');
}

/* 0 to 6: much less to much more, in parts of the whole. */
function changeStep(change) {
	const size = Math.abs(change);
	const steps = size < 0.002 ? 0 : size < 0.02 ? 1 : size < 0.1 ? 2 : 3;

	return change < 0 ? 3 - steps : 3 + steps;
}

/* "+1.25% of the whole, from 3.50%". */
function changeText(node) {
	const sign = node.change < 0 ? '−' : '+';

	return `${sign}${formatPercent(Math.abs(node.change), 1)} of the whole, from ${formatPercent(node.was, 1)}`;
}

class FlameView {
	constructor(host, data) {
		this.tree = new FlameTree(data);
		this.data = data;
		this.id = data.id;
		this.state = {
			zoom: this.tree.root,
			icicle: data.icicle,
			byLeaf: false,
			query: '',
		};
		this.rows = [];
		this.selected = null; /* a box */
		this.matches = null; /* by frame, or null when nothing is searched */
		this.onchange = () => {};
		this.tip = new Tooltip(this);
		this.build(host);
		this.listen();
		this.update();
	}

	/* ---- elements ---- */

	build(host) {
		this.host = host;
		this.buildSearch();
		this.buildPanel();
		this.legend = html('div', { class: 'legend' });
		host.append(this.buildToolbar(), this.panel, this.legend, this.tip.element);
		this.fillLegend();
		if (this.data.note)
			this.legend.before(html('p', { class: 'note info' }, this.data.note));
	}

	buildSearch() {
		this.search = html('input', {
			type: 'search',
			class: 'search',
			spellcheck: 'false',
			autocomplete: 'off',
			placeholder: 'Search: name or regular expression',
			'aria-label': 'Search frames by regular expression',
		});
		this.found = html('output', { class: 'found', role: 'status' });
	}

	buildToolbar() {
		const bar = html('div', {
			class: 'toolbar',
			role: 'toolbar',
			'aria-label': 'View',
		});
		const buttons = html('span', { class: 'buttons' });

		this.reset = this.button('Reset zoom', '0', () => this.zoomTo(this.root()));
		this.invert = this.button('Inverted', 'i', () => this.toggle('icicle'));
		this.merge = this.button('By leaf', 'm', () => this.toggle('byLeaf'));
		this.help = this.button('?', '?', () => this.toggleHelp());
		this.help.setAttribute('aria-label', 'Help');
		buttons.append(this.reset, this.invert, this.merge, this.help);
		bar.append(this.search, this.found, buttons);
		return bar;
	}

	buildPanel() {
		this.frames = html('div', { class: 'frames' });
		this.panel = html(
			'div',
			{ class: 'panel', tabindex: '0', role: 'tree' },
			this.frames,
		);
		this.panel.setAttribute('aria-label', `Flame graph: ${this.data.title}`);
	}

	button(text, key, action) {
		const b = html('button', { type: 'button', title: `Key: ${key}` }, text);

		b.addEventListener('click', action);
		return b;
	}

	/* Another tree in the same place, with what is searched for and how it is shown as they were. */
	show(data) {
		this.data = data;
		this.tree = new FlameTree(data);
		this.state.zoom = this.root();
		this.selected = null;
		this.tallest = 0;
		this.drawn = false;
		this.tip.hide();
		this.fillLegend();
		this.update();
	}

	fillLegend() {
		const kinds = new Set(this.tree.nodes.map((n) => this.tree.kind(n)));
		const whole = formatWeight(this.tree.root.total, this.tree.unit);
		const add = (style, text) => {
			const key = html('span', { class: `key ${style}` });

			this.legend.append(html('span', { class: 'entry' }, key, text));
		};

		this.legend.replaceChildren();
		if (this.tree.before) {
			add('d1', 'less than in A');
			add('d3', 'as much');
			add('d5', 'more than in A');
		}
		KINDS.forEach((name, kind) => {
			if (this.tree.before) return;
			if (kinds.has(kind)) add(`c${kind * SHADES + 3}`, name);
		});
		add('rest', 'too small to draw, merged');
		add('hit', 'found');
		this.legend.append(
			html('span', { class: 'hint' }, `width: share of ${whole} · ? for keys`),
		);
	}

	/* ---- events ---- */

	listen() {
		this.frames.addEventListener('click', (e) => this.click(e));
		this.search.addEventListener('input', () => this.setQuery(this.search.value));
		this.panel.addEventListener('scroll', () => this.drawSoon());
		new ResizeObserver(() => this.resize()).observe(this.panel);
		this.tip.listen(this.panel);
	}

	boxAt(target) {
		const el = target.closest ? target.closest('.f') : null;

		return el ? el.flameBox : null;
	}

	click(e) {
		const box = this.boxAt(e.target);

		if (!box || this.tip.wasLongPress()) return;
		this.panel.focus({ preventScroll: true });
		this.selected = box;
		this.zoomTo(box.node);
	}

	/* The distance to the root stays, which is at the bottom of an ordinary graph. It is the one of
	 * the last drawing: a panel that grows has already been scrolled by the browser. */
	resize() {
		const { clientWidth, clientHeight } = this.panel;
		const { belowSight } = this;

		if (clientWidth === this.width && clientHeight === this.room) return;
		this.update();
		if (!this.state.icicle) this.panel.scrollTop = this.height - this.room - belowSight;
		this.draw();
	}

	/* ---- what can be done ---- */

	root() {
		return this.state.byLeaf ? this.tree.byLeaf() : this.tree.root;
	}

	isZoomed() {
		return this.state.zoom.up !== null;
	}

	zoomTo(node) {
		if (node === this.state.zoom || (node.merged && !node.step)) return;
		const before = this.placeOf(node) || this.placeOf(this.state.zoom);
		const from = this.state.zoom;

		this.state.zoom = node;
		this.tip.hide();
		this.update(before);
		this.animateZoom(before, this.placeOf(from));
		this.onchange(true);
	}

	toggle(which) {
		this.state[which] = !this.state[which];
		if (which === 'byLeaf') {
			this.state.zoom = this.root();
			this.selected = null;
		}
		this.tip.hide();
		this.update();
		this.scrollToRoot();
		this.onchange(true);
	}

	setQuery(query) {
		this.state.query = query;
		this.update();
		this.onchange(false);
	}

	toggleHelp() {
		toggleHelp(this.host, this.help, KEYS, ABOUT);
	}

	/* ---- search ---- */

	compileSearch() {
		const { query } = this.state;
		let problem = '';

		this.matches = null;
		if (query) {
			try {
				this.matches = this.tree.matches(compileRegex(query));
			} catch (e) {
				problem = String(e.message).replace(/^.*: /, '');
			}
		}
		this.search.setAttribute('aria-invalid', problem ? 'true' : 'false');
		this.found.textContent = problem
			? `Not a regular expression: ${problem}`
			: this.matches
				? this.foundText()
				: '';
		this.host.classList.toggle('searching', this.matches !== null);
	}

	foundText() {
		const total = this.tree.matchedTotal(this.matches);
		const share = formatPercent(total, this.tree.root.total);

		if (!total) return this.tree.isCut ? 'No match among the frames kept' : 'No match';
		return (
			`${this.tree.isCut ? 'At least ' : ''}${share} matched ` +
			`(${formatWeight(total, this.tree.unit)})`
		);
	}

	isMatch(node) {
		if (!this.matches) return false;
		if (node.merged)
			return node.kids.some((k) => k.frame >= 0 && this.matches[k.frame]);
		return this.matches[node.frame] && node.up !== null;
	}

	/* ---- drawing ---- */

	update(anchor) {
		this.compileSearch();
		if (this.search.value !== this.state.query) this.search.value = this.state.query;
		this.reset.disabled = !this.isZoomed();
		this.invert.setAttribute('aria-pressed', String(this.state.icicle));
		this.merge.setAttribute('aria-pressed', String(this.state.byLeaf));
		/* Without the old frames, asking for sizes does not make the browser place them again. */
		this.frames.replaceChildren();
		this.width = this.panel.clientWidth;
		this.rows = layoutFlame(this.tree, this.state.zoom, this.width);
		this.selected = this.selected && this.findBox(this.selected.node);
		this.setHeights();
		if (anchor) this.scrollBack(anchor);
		else if (!this.drawn) this.scrollToRoot();
		this.draw();
	}

	/* The panel is as high as its rows, up to what the window has room for, and does not shrink
	 * while zoomed: the page below would jump. */
	setHeights() {
		const rows = this.isZoomed()
			? Math.max(this.rows.length, this.tallest || 0)
			: this.rows.length;

		this.tallest = rows;
		this.panel.style.setProperty('--rows-height', `${rows * ROW + 1}px`);
		this.room = this.panel.clientHeight;
		this.height = Math.max(this.rows.length * ROW, this.room);
		this.frames.style.height = `${this.height}px`;
	}

	top(depth) {
		return this.state.icicle ? depth * ROW : this.height - (depth + 1) * ROW;
	}

	drawSoon() {
		if (this.scheduled) return;
		this.scheduled = true;
		requestAnimationFrame(() => {
			this.scheduled = false;
			this.draw();
		});
	}

	/* Makes elements for the rows in sight, and some more for a quick hand on the wheel. */
	draw() {
		const { scrollTop, clientHeight } = this.panel;
		const from = scrollTop - clientHeight / 2;
		const to = scrollTop + clientHeight * 1.5;
		const elements = [];

		for (let depth = 0; depth < this.rows.length; depth++) {
			const top = this.top(depth);

			if (top + ROW < from || top > to) continue;
			for (const box of this.rows[depth]) elements.push(this.element(box, top));
		}
		this.frames.replaceChildren(...elements);
		this.belowSight = this.height - this.room - scrollTop;
		this.drawn = true;
		this.tip.follow();
	}

	element(box, top) {
		const { node } = box;
		const left = Math.round(box.x);
		const width = Math.max(Math.round(box.x + box.w) - left - 1, 1);
		const el = document.createElementNS(XHTML, 'div');

		el.className = this.classes(box, width);
		el.style.left = `${left}px`;
		el.style.top = `${top}px`;
		el.style.width = `${width}px`;
		el.setAttribute('role', 'treeitem');
		el.setAttribute('aria-level', box.depth + 1);
		el.setAttribute('aria-label', this.spoken(node));
		if (width >= MIN_TEXT) el.textContent = this.tree.label(node);
		if (box === this.selected) {
			el.id = `selected-${this.id}`;
			el.setAttribute('aria-selected', 'true');
			this.panel.setAttribute('aria-activedescendant', el.id);
		}
		el.flameBox = box;
		return el;
	}

	classes(box, width) {
		const { node } = box;
		let classes = node.merged ? 'f rest' : `f ${this.colorClass(node)}`;

		if (this.tree.kind(node) === KINDS.length - 1) classes += ' unknown';
		if (box.past) classes += ' past';
		if (width < MIN_TEXT) classes += ' thin';
		if (this.isMatch(node)) classes += ' hit';
		return classes;
	}

	/* By its code; or in a difference by how much its share has changed. */
	colorClass(node) {
		if (!this.tree.before) return `c${this.tree.palette[node.frame]}`;
		return `d${changeStep(node.change || 0)}`;
	}

	spoken(node) {
		const words = [
			this.tree.label(node),
			formatWeight(node.total, this.tree.unit),
			`${formatPercent(node.total, this.tree.root.total)} of all`,
		];

		if (node.was !== null) words.push(changeText(node));
		if (!node.merged) words.push(KINDS[this.tree.kind(node)]);
		return words.join(', ');
	}

	/* ---- places on the screen ---- */

	findBox(node) {
		for (const row of this.rows)
			for (const box of row) if (this.tree.same(box.node, node)) return box;
		return null;
	}

	/* Where a node is now: its box, and its height above the panel's edge. */
	placeOf(node) {
		const box = this.findBox(node);

		return (
			box && {
				box,
				width: this.width,
				y: this.top(box.depth) - this.panel.scrollTop,
			}
		);
	}

	scrollToRoot() {
		this.panel.scrollTop = this.state.icicle ? 0 : this.height;
	}

	scrollToZoom() {
		const box = this.findBox(this.state.zoom);

		if (box) this.scrollIntoView(box);
		this.draw();
	}

	/* Keeps the row that was clicked where it was. */
	scrollBack(place) {
		this.panel.scrollTop = this.top(place.box.depth) - place.y;
	}

	scrollIntoView(box) {
		const top = this.top(box.depth);
		const { scrollTop, clientHeight } = this.panel;

		if (top < scrollTop) this.panel.scrollTop = top;
		else if (top + ROW > scrollTop + clientHeight)
			this.panel.scrollTop = top + ROW - clientHeight;
	}

	/* Stretches the picture from where the new one was seen in the old (or the other way round),
	 * all frames as one layer: cheap, however many there are. */
	animateZoom(before, after) {
		if (matchMedia('(prefers-reduced-motion: reduce)').matches || !before) return;
		const w = this.width;
		const zoomedIn = before.box.w < w;
		const { x, w: part } = zoomedIn ? before.box : after ? after.box : before.box;

		if (part <= 0 || part >= w) return;
		this.frames.animate(
			[
				{
					transformOrigin: '0 0',
					transform: zoomedIn
						? `translateX(${x}px) scaleX(${part / w})`
						: `scaleX(${w / part}) translateX(${-x}px)`,
				},
				{ transformOrigin: '0 0', transform: 'none' },
			],
			{ duration: 160, easing: 'ease-out' },
		);
	}
}
