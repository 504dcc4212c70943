/* The lanes of a timeline, from the numbers in the page (render/timeline_data.h describes them), and
 * questions about them: what was at a moment, what one thread did meanwhile, how long all of it took. */
'use strict';

const GROUPS = ['CPUs', 'Disks', 'Threads'];
const EXTRA = ['who', 'behind', 'stack', 'whosStack', 'value'];

class Lane {
	constructor(data, number) {
		const n = data.extra.length;

		this.number = number;
		this.group = data.group;
		this.title = data.title;
		this.thread = data.thread;
		this.valueName = data.value;
		this.least = data.least;
		this.n = n;
		this.from = new Float64Array(n);
		this.to = new Float64Array(n);
		this.name = new Int32Array(n); /* -n: n pieces together */
		this.firstPart = new Uint32Array(n + 1);
		for (const key of EXTRA) this[key] = new Uint32Array(n);
		this.read(data);
		this.parts = data.parts;
	}

	read({ items, extra }) {
		let at = 0;
		let time = 0;
		let parts = 0;

		for (let i = 0; i < this.n; i++) {
			this.from[i] = time + items[at++];
			time = this.from[i] + items[at++];
			this.to[i] = time;
			this.name[i] = items[at++];
			this.firstPart[i] = parts;
			if (this.name[i] < 0) parts += items[at++];
			for (let k = 0; k < Number(extra[i]); k++) this[EXTRA[k]][i] = items[at++];
		}
		this.firstPart[this.n] = parts;
	}

	/* How many events a piece stands for. */
	count(i) {
		return Math.max(1, -this.name[i]);
	}

	/* Calls with name, count, ns, longest for all that a piece is made of. */
	eachPart(i, call) {
		if (this.name[i] >= 0) {
			const ns = this.to[i] - this.from[i];

			call(this.name[i], 1, ns, ns);
			return;
		}
		const { parts } = this;
		for (let k = this.firstPart[i] * 4; k < this.firstPart[i + 1] * 4; k += 4)
			call(parts[k], parts[k + 1], parts[k + 2], parts[k + 3]);
	}

	/* The first piece that ends after a moment; n if there is none. */
	firstAfter(time) {
		let low = 0;
		let high = this.n;

		while (low < high) {
			const middle = (low + high) >> 1;

			if (this.to[middle] > time) high = middle;
			else low = middle + 1;
		}
		return low;
	}

	/* The pieces that are between two moments, if only in part; one without length counts too. */
	between(from, to) {
		let first = this.firstAfter(from);
		let end = first;

		while (first > 0 && this.to[first - 1] === from && this.from[first - 1] === from)
			first--;
		while (end < this.n && this.from[end] < to) end++;
		return [first, end];
	}
}

class TimelineModel {
	constructor(data) {
		this.data = data;
		this.from = data.from;
		this.to = Math.max(data.to, data.from + 1);
		this.lanes = data.lanes.map((lane, i) => new Lane(lane, i));
		this.names = [];
		this.kinds = [];
		for (let i = 0; i < data.names.length; i += 2) {
			this.names.push(data.names[i]);
			this.kinds.push(data.names[i + 1]);
		}
		this.threads = [];
		for (let i = 0; i < data.threads.length; i += 3)
			this.threads.push({
				name: data.threads[i],
				pid: data.threads[i + 1],
				tid: data.threads[i + 2],
			});
		this.parents = readParents(data.tree.nodes);
		this.lanesOf = new Map(); /* by thread */
		for (const lane of this.lanes)
			if (lane.thread >= 0) {
				const list = this.lanesOf.get(lane.thread) || [];

				this.lanesOf.set(lane.thread, [...list, lane]);
			}
	}

	/* ---- names ---- */

	threadName(thread) {
		const { name, tid } = this.threads[thread];

		return `${name} ${tid}`;
	}

	laneName(lane) {
		if (lane.thread < 0) return lane.title;
		const name = this.threadName(lane.thread);

		return lane.title ? `${name}: ${lane.title}` : name;
	}

	kindName(name) {
		return this.data.kinds[this.kinds[name]];
	}

	/* What a piece is, in few words. */
	pieceName(lane, i) {
		return lane.name[i] < 0
			? `${formatCount(lane.count(i))} short pieces`
			: this.names[lane.name[i]];
	}

	/* The functions of a stack, innermost first: name and module. */
	frames(stack) {
		const { nodes, frames, modules } = this.data.tree;
		const list = [];

		for (let node = stack; node > 0; node = this.parents[node]) {
			const frame = nodes[node * 3 + 1];

			list.push(
				frame < 0
					? ['(rarely seen: not in this page)', '']
					: [frames[frame * 3], modules[frames[frame * 3 + 1]]],
			);
		}
		return list;
	}

	/* ---- questions ---- */

	stateLane(thread) {
		return (this.lanesOf.get(thread) || []).find((lane) => lane.title === '');
	}

	/* The CPU's lane that a value means: there may be several machines. */
	cpuLane(number) {
		return this.lanes.find((l) => l.group === 0 && l.title === `CPU ${number}`);
	}

	/* Names with count, ns and longest of what a lane has between two moments. Of pieces together
	 * that are cut, the part by time; *approximate* says whether there are any. */
	sums(lanes, from, to) {
		const sums = new Map();
		let approximate = false;

		for (const lane of lanes) {
			const [first, end] = lane.between(from, to);

			for (let i = first; i < end; i++) {
				const length = lane.to[i] - lane.from[i];
				const inside =
					Math.min(lane.to[i], to) - Math.max(lane.from[i], from);
				const share = length > 0 ? inside / length : 1;

				approximate = approximate || (share < 1 && lane.name[i] < 0);
				lane.eachPart(i, (name, count, ns, longest) => {
					const sum = sums.get(name) || {
						count: 0,
						ns: 0,
						longest: 0,
					};

					sum.count += lane.name[i] < 0 ? count * share : count;
					sum.ns += ns * share;
					sum.longest = Math.max(sum.longest, longest);
					sums.set(name, sum);
				});
			}
		}
		return { sums, approximate };
	}

	/* Pieces of lanes for which `wanted` holds, between two moments; the longest first. */
	pieces(lanes, from, to, wanted, most) {
		const list = [];

		for (const lane of lanes) {
			const [first, end] = lane.between(from, to);

			for (let i = first; i < end; i++)
				if (wanted(lane, i))
					list.push({ lane, i, ns: overlap(lane, i, from, to) });
		}
		return list.sort((a, b) => b.ns - a.ns).slice(0, most);
	}
}

function overlap(lane, i, from, to) {
	return Math.min(lane.to[i], to) - Math.max(lane.from[i], from);
}
