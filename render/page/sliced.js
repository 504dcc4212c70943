/* Tables and histograms of the analyzers in a window of time. The page holds what came of each row in slices of the
 * time (render/table_slices.h); columns say how they are made of it: sums, and percentiles of values that are
 * counted in the steps of a coarse scale. */
'use strict';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const DIGIT = new Map([...DIGITS].map((c, i) => [c.charCodeAt(0), i]));
const STEP_SUM = 0;
const STEP_MAX = 1;
const STEPS = 2;

/* ---- the scale, as format/base/log_scale.h has it ---- */

function stepOf(value, bits) {
	const part = 2 ** bits;
	let shift = 0;
	let v = value;

	while (v >= 2 * part) {
		v = Math.floor(v / 2);
		shift++;
	}
	return shift * part + v;
}

function stepFirst(step, bits) {
	const part = 2 ** bits;
	const shift = Math.floor(step / part) - 1;

	return shift < 0 ? step : (step - shift * part) * 2 ** shift;
}

/* ---- what is known of the rows ---- */

/* What one row has in some slices. */
class SliceSums {
	constructor(data) {
		this.data = data;
		this.values = new Float64Array(data.sums + data.histograms * data.room);
		this.ns = 0;
	}

	base(histogram) {
		return this.data.sums + histogram * this.data.room;
	}

	/* Reads a row; the numbers are as small as digits make them. */
	read(text, [first, end]) {
		const { values } = this;
		let at = 0;
		let slice = 0;
		const next = () => {
			let v = 0;

			for (let unit = 1; ; unit *= 32) {
				const digit = DIGIT.get(text.charCodeAt(at++));

				v += (digit % 32) * unit;
				if (digit < 32) return v;
			}
		};

		values.fill(0);
		this.ns = (end - first) * this.data.step;
		while (at < text.length) {
			slice += next();
			if (slice >= end) break;
			let code = 0;
			for (let n = next(); n > 0; n--) {
				code += next();
				const v = next();

				if (slice < first) continue;
				if (this.isMax(code)) values[code] = Math.max(values[code], v);
				else values[code] += v;
			}
		}
		return this;
	}

	isMax(code) {
		const { sums, room } = this.data;

		return code >= sums && (code - sums) % room === STEP_MAX;
	}

	/* ---- of a histogram ---- */

	count(histogram) {
		const from = this.base(histogram) + STEPS;

		return this.values
			.subarray(from, from + this.data.room - STEPS)
			.reduce((a, b) => a + b, 0);
	}

	/* The end of the step in which it is, but never more than the largest value. */
	percentile(histogram, percent) {
		const count = this.count(histogram);
		const base = this.base(histogram);
		const rank = Math.ceil((count * percent) / 100 - 1e-9);
		let seen = 0;

		if (!count) return null;
		for (let step = 0; step < this.data.room - STEPS; step++) {
			seen += this.values[base + STEPS + step];
			if (seen >= rank)
				return Math.min(
					stepFirst(step + 1, this.data.bits) - 1,
					this.values[base + STEP_MAX],
				);
		}
		return this.values[base + STEP_MAX];
	}

	/* ---- columns ---- */

	/* The number for a column; null: there is none. */
	cell([how, of, by]) {
		const total = this.values[this.base(of) + STEP_SUM];
		const ofAny = (v, n) => (n ? v / n : null);

		switch (how) {
			case 'sum':
				return this.values[of];
			case 'count':
				return this.count(of);
			case 'total':
				return total;
			case 'mean':
				return ofAny(total, this.count(of));
			case 'percentile':
				return this.percentile(of, by);
			case 'max':
				return this.count(of) ? this.values[this.base(of) + STEP_MAX] : null;
			case 'rate':
				return ofAny(this.values[of] * by, this.ns);
			case 'countrate':
				return ofAny(this.count(of) * by, this.ns);
			case 'ratio':
				return ofAny(this.values[of], this.values[by]);
			default:
				return null;
		}
	}

	isEmpty() {
		return this.values.every((v) => v === 0);
	}
}

/* The slices that have a part in a range, from the first to before the last. */
function slicesOf({ step, n }, [from, to]) {
	const clamp = (i) => Math.max(0, Math.min(n, i));

	return [clamp(Math.floor(from / step)), clamp(Math.ceil(to / step))];
}

function sliceWords(data, [first, end]) {
	return first < end
		? formatPoints(first * data.step, end * data.step)
		: 'a time without any';
}

/* What is shown, and how exactly. */
function sayShown(said, data, now, base, what) {
	said.hidden = !now;
	if (!now) return;
	const exactly = `It is known in slices of ${formatWeight(data.step, 'ns')}, percentiles to ${100 / 2 ** data.bits}%.`;
	const b = sliceWords(data, slicesOf(data, now));

	said.textContent = base
		? `Shown: B, ${b}; below it A, ${sliceWords(data, slicesOf(data, base))}. ${what}${exactly}`
		: `Shown: ${b}. ${what}${exactly}`;
}

function formatCell(value, unit) {
	if (value === null || !Number.isFinite(value)) return '–';
	if (unit === 'fraction') return formatPercent(value, 1);
	if (unit === 'float') return String(Number(value.toPrecision(4)));
	if (unit === 'ns' || unit === 'bytes') return formatWeight(Math.round(value), unit);
	return formatCount(Math.round(value));
}

/* ---- tables ---- */

class SlicedTable {
	constructor(table, data) {
		this.table = table;
		this.data = data;
		this.rows = [...table.tBodies[0].rows];
		this.whole = this.rows.map((row) =>
			[...row.cells].map((cell) => [cell.textContent, cell.dataset.v]),
		);
		this.said = html('p', { class: 'shown-time', role: 'status', hidden: '' });
		(table.closest('.scroll') || table).before(this.said);
	}

	show(now, base) {
		const { data } = this;
		const sums = new SliceSums(data);
		const before = new SliceSums(data);

		sayShown(
			this.said,
			data,
			now,
			base,
			'The rows are those of the whole recording. ',
		);
		this.rows.forEach((row, i) => {
			if (data.rows[i] === null) {
				this.showUnknown(row, i, now);
				return;
			}
			if (now) sums.read(data.rows[i], slicesOf(data, now));
			if (now && base) before.read(data.rows[i], slicesOf(data, base));
			row.classList.toggle('absent', now !== null && sums.isEmpty());
			for (const [k, column] of data.columns.entries())
				if (column[0] !== 'same')
					this.showCell(i, k, now && sums, now && base && before);
		});
		sortAgain(this.table);
	}

	/* A row of which it is not known what came when. */
	showUnknown(row, i, now) {
		row.classList.toggle('absent', now !== null);
		for (const [k, column] of this.data.columns.entries())
			if (column[0] !== 'same')
				[row.cells[k].textContent, row.cells[k].dataset.v] = now
					? ['–', 0]
					: this.whole[i][k];
	}

	showCell(i, k, sums, before) {
		const cell = this.rows[i].cells[k];
		const column = this.data.columns[k];

		if (!sums) {
			[cell.textContent, cell.dataset.v] = this.whole[i][k];
			return;
		}
		const value = sums.cell(column);
		cell.textContent = formatCell(value, column[3]);
		cell.dataset.v = value === null ? 0 : value;
		if (before)
			cell.append(
				html('span', { class: 'was' }, formatCell(before.cell(column), column[3])),
			);
	}
}

/* ---- histograms ---- */

const SHOWN_PERCENTILES = [50, 90, 99, 99.9];

class SlicedHistogram {
	constructor(host, data) {
		this.data = data;
		this.series = [...host.querySelectorAll('.series')];
		this.said = html('p', { class: 'shown-time', role: 'status', hidden: '' });
		host.before(this.said);
	}

	show(now, base) {
		sayShown(this.said, this.data, now, base, 'The bars of everything are behind. ');
		for (const group of this.series) {
			const row = this.data.rows[group.dataset.series];

			group.classList.toggle('behind', now !== null);
			for (const old of group.querySelectorAll('.now')) old.remove();
			if (now && row !== null) group.append(this.draw(group, row, now, base));
		}
	}

	draw(group, row, now, base) {
		const { data } = this;
		const [left, top] = group.dataset.plot.split(' ').map(Number);
		const sums = new SliceSums(data).read(row, slicesOf(data, now));
		const drawn = shape('g', 'now');
		const text = (words, x, y) => {
			const el = shape('text', '');

			el.setAttribute('x', x);
			el.setAttribute('y', y);
			el.setAttribute('font-size', '11');
			el.textContent = words;
			drawn.append(el);
		};

		this.addBars(drawn, group, sums);
		text(this.words(sums, base ? 'B: ' : ''), left - 64, top - 21);
		if (base) {
			const before = new SliceSums(data).read(row, slicesOf(data, base));

			text(this.words(before, 'A: '), left - 64, top - 7);
		}
		return drawn;
	}

	words(sums, name) {
		const { number, value, unit, counted } = this.data;
		const count = sums.count(number);
		const list = SHOWN_PERCENTILES.map(
			(p) => `p${p} ${formatCell(sums.percentile(number, p), unit)}`,
		);

		if (!count) return `${name}${value}: ${formatWeight(0, counted)}`;
		return [
			`${name}${value}: ${formatWeight(Math.round(count), counted)}`,
			`mean ${formatCell(sums.cell(['mean', number]), unit)}`,
			...list,
			`max ${formatCell(sums.cell(['max', number]), unit)}`,
		].join(' · ');
	}

	/* On the axis of the whole; the highest is as high as the highest of that. */
	addBars(drawn, group, sums) {
		const [left, top, height, width, n, bits, first] = group.dataset.plot
			.split(' ')
			.map(Number);
		const { data } = this;
		const coarse = Math.min(bits, data.bits);
		const bars = new Map();
		const base = sums.base(data.number) + STEPS;
		const place = (v) => {
			const step = stepOf(v, bits);
			const from = stepFirst(step, bits);
			const part = (v - from) / (stepFirst(step + 1, bits) - from);

			return left + width * Math.max(0, Math.min(n, step - first + part));
		};

		for (let step = 0; step < data.room - STEPS; step++) {
			const count = sums.values[base + step];
			const bar = stepOf(stepFirst(step, data.bits), coarse);

			if (count) bars.set(bar, (bars.get(bar) || 0) + count);
		}
		const most = Math.max(...bars.values());
		for (const [bar, count] of bars) {
			const rect = shape('rect', 'bar');
			const high = Math.max(1, (count / most) * height);
			const from = place(stepFirst(bar, coarse));
			const to = place(stepFirst(bar + 1, coarse));

			rect.setAttribute('x', from);
			rect.setAttribute('y', top + height - high);
			rect.setAttribute('width', Math.max(1, to - from - (to - from > 3 ? 1 : 0)));
			rect.setAttribute('height', high);
			rect.setAttribute('fill', '#1a56db');
			drawn.append(rect);
		}
	}
}
