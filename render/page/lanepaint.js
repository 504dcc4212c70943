/* How lanes are painted on a canvas. A state has a colour and a height of its own, so that it can be told
 * without the colour. Pieces too narrow for a pixel, and such as were put together, are shown as what they
 * are made of: one above the other, as high as their share of the time. */
'use strict';

/* By number of kind: custom property of the colour, part of the lane's height. */
const PAINT = [
	['--t-other', 0.8],
	['--t-running', 1],
	['--t-waiting', 0.7],
	['--t-sleeping', 0.16],
	['--t-disk', 0.45],
	['--t-stopped', 0.16],
	['--t-call', 0.8],
	['--t-read', 0.8],
	['--t-write', 1],
	['--t-fault', 1],
	['--t-lock', 0.6],
	['--t-pause', 1],
	['--t-sample', 0.6],
];
const RUNNING = 1;
const THREAD_COLORS = 8;
const NARROW = 1.5; /* pixels */
const LEAST_TEXT = 34;

class LanePainter {
	constructor(model, element) {
		this.model = model;
		this.element = element;
		this.sums = new Float64Array(model.names.length);
		this.touched = [];
		this.readColors();
	}

	/* From the style sheet, which knows light and dark windows, and paper. */
	readColors() {
		const style = getComputedStyle(this.element);
		const color = (name) => style.getPropertyValue(name).trim();
		const threads = Array.from({ length: THREAD_COLORS }, (_, i) =>
			color(`--t-thread${i}`),
		);

		this.back = color('--back');
		this.card = color('--card');
		this.text = color('--text');
		this.muted = color('--muted');
		this.line = color('--line');
		this.accent = color('--accent');
		this.hit = color('--hit');
		this.pieceText = color('--t-text');
		this.kindColors = PAINT.map(([name]) => color(name));
		this.threadColors = this.model.names.map(
			(name) => threads[hashOf(name) % THREAD_COLORS],
		);
	}

	/* On a CPU the thread counts, elsewhere what it did. */
	color(lane, name) {
		return lane.group === 0
			? this.threadColors[name]
			: this.kindColors[this.model.kinds[name]];
	}

	height(lane, name) {
		return lane.group === 0 ? 1 : PAINT[this.model.kinds[name]][1];
	}

	/* ---- a lane ---- */

	/* view: { from, scale (pixels a ns), left, width }; found: which names match a search, or null. */
	paint(ctx, lane, view, y, h, found) {
		const last = view.from + view.width / view.scale;
		const [first, end] = lane.between(view.from, last);
		let pixel = -1;

		for (let i = first; i < end; i++) {
			const x = (lane.from[i] - view.from) * view.scale;
			const w = (lane.to[i] - lane.from[i]) * view.scale;

			if (w >= NARROW) {
				this.flush(ctx, lane, view, pixel, y, h, found);
				pixel = -1;
				this.paintPiece(ctx, lane, i, view, x, w, y, h, found);
				continue;
			}
			const at = Math.max(0, Math.floor(x));
			if (at !== pixel) this.flush(ctx, lane, view, pixel, y, h, found);
			pixel = at;
			this.addUp(lane, i);
		}
		this.flush(ctx, lane, view, pixel, y, h, found);
	}

	paintPiece(ctx, lane, i, view, x, w, y, h, found) {
		const left = Math.max(0, x);
		const right = Math.min(view.width, x + w);
		const name = lane.name[i];

		if (name < 0) {
			this.addUp(lane, i);
			this.stack(
				ctx,
				lane,
				lane.to[i] - lane.from[i],
				view.left + left,
				right - left,
				y,
				h,
				found,
			);
			return;
		}
		const high = Math.max(2, Math.round(h * this.height(lane, name)));
		/* A gap between neighbours, unless that is all there is. */
		const wide = Math.max(1, right - left - (right - left > 4 ? 1 : 0));
		ctx.fillStyle = found && found[name] ? this.hit : this.color(lane, name);
		ctx.globalAlpha = found && !found[name] ? 0.3 : 1;
		ctx.fillRect(view.left + left, y + h - high, wide, high);
		ctx.globalAlpha = 1;
		if (wide > LEAST_TEXT && high >= 11 && h >= 14)
			this.label(
				ctx,
				this.words(lane, i),
				view.left + left,
				wide,
				y + h - high / 2,
			);
	}

	words(lane, i) {
		return lane.group !== 0 &&
			lane.name[i] >= 0 &&
			this.model.kinds[lane.name[i]] === RUNNING &&
			lane.valueName
			? `${lane.valueName} ${lane.value[i]}`
			: this.model.pieceName(lane, i);
	}

	label(ctx, text, x, w, middle) {
		ctx.save();
		ctx.beginPath();
		ctx.rect(x, middle - 8, w - 2, 16);
		ctx.clip();
		ctx.fillStyle = this.pieceText;
		ctx.fillText(text, x + 3, middle);
		ctx.restore();
	}

	/* ---- what is made of several ---- */

	addUp(lane, i) {
		lane.eachPart(i, (name, count, ns) => {
			if (!this.sums[name]) this.touched.push(name);
			/* What takes no time is seen all the same. */
			this.sums[name] += Math.max(ns, 1);
		});
	}

	/* A column of one pixel. */
	flush(ctx, lane, view, pixel, y, h, found) {
		if (this.touched.length)
			this.stack(ctx, lane, 1 / view.scale, view.left + pixel, 1, y, h, found);
	}

	stack(ctx, lane, whole, x, w, y, h, found) {
		const { sums, touched } = this;
		let bottom = y + h;

		touched.sort((a, b) => this.height(lane, b) - this.height(lane, a) || a - b);
		for (const name of touched) {
			const share = Math.min(1, sums[name] / whole);
			const high = Math.min(bottom - y, Math.max(1.5, share * h));

			ctx.fillStyle = found && found[name] ? this.hit : this.color(lane, name);
			ctx.globalAlpha = found && !found[name] ? 0.3 : 1;
			ctx.fillRect(x, bottom - high, w, high);
			bottom -= high;
			sums[name] = 0;
		}
		ctx.globalAlpha = 1;
		touched.length = 0;
	}
}

/* The same thread has the same colour in every page. */
function hashOf(text) {
	let h = 7;

	for (let i = 0; i < text.length; i++) h = (h * 31 + text.charCodeAt(i)) >>> 0;
	return h;
}
