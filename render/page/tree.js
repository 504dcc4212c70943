/* The tree that a graph shows, and the same weights merged by leaf.
 *
 * The page holds each tree in the order of drawing (render/flame_data.h describes the numbers).
 * FlameTree makes nodes of it. The second view turns every stack around: what was on the CPU comes
 * first, then who called it. That tree may be far larger than the first, so a node of it learns
 * its children only when they are asked for: it remembers which nodes of the first tree it stands
 * for, and one step down in the picture is one step towards the root for each of them.
 *
 * Nothing here recurses: stacks may be thousands of frames deep. */
'use strict';

const KINDS = ['process or thread', 'user', 'inlined', 'JIT', 'kernel', 'unknown'];
const SHADES = 8;
const LEFT_OUT = -1;

class FlameNode {
	constructor(frame, up) {
		this.frame = frame; /* number, or LEFT_OUT */
		this.up = up;
		this.depth = up ? up.depth + 1 : 0;
		this.total = 0;
		this.self = 0;
		this.merged = 0; /* how many siblings it stands for; 0 for an ordinary frame */
		this.kids = null; /* null: ask FlameTree.kids */
		this.origins =
			null; /* merged by leaf: pairs of node and weight in the first tree */
		this.hidden =
			null; /* merged by leaf: weight and number of stacks not in the file */
		this.was = null; /* its share in what it is compared with */
		this.change = null;
		this.step = ''; /* of a group: what to write behind ~ in a path */
	}
}

class FlameTree {
	constructor(data) {
		this.unit = data.unit;
		this.names = [];
		this.modules = [];
		this.palette = [];
		for (let i = 0; i < data.frames.length; i += 3) {
			this.names.push(data.frames[i]);
			this.modules.push(data.modules[data.frames[i + 1]]);
			this.palette.push(data.frames[i + 2]);
		}
		this.leaves = data.leaves;
		this.before =
			data.before || null; /* of a difference: weights with which to compare */
		this.nodes = [];
		this.root = this.readNodes(data.nodes);
		if (this.before) this.addBefore();
		this.isCut = this.nodes.some((n) => n.merged > 0);
		this.leafRoot = null;
	}

	readNodes(numbers) {
		let last = null;

		for (let i = 0; i < numbers.length; i += 3) {
			const frame = numbers[i + 1];
			let up = last;

			for (let climb = numbers[i]; climb > 0; climb--) up = up.up;
			const node = this.addNode(frame, up, numbers[i + 2]);
			if (frame >= 0) last = node;
		}
		this.addTotals();
		return this.nodes[0];
	}

	addNode(frame, up, weight) {
		const node = new FlameNode(Math.max(frame, LEFT_OUT), up);

		node.kids = [];
		node.total = weight;
		if (frame < 0) node.merged = -frame;
		else node.self = weight;
		if (up) up.kids.push(node);
		this.nodes.push(node);
		return node;
	}

	/* How much larger a node's share is than it was, in parts of 1. */
	addBefore() {
		const whole = this.before[0];

		this.nodes.forEach((node, i) => {
			const was = whole ? this.before[i] / whole : 0;

			node.was = was;
			node.change = this.root.total ? node.total / this.root.total - was : 0;
		});
	}

	addTotals() {
		for (let i = this.nodes.length - 1; i > 0; i--) {
			const node = this.nodes[i];

			node.up.total += node.total;
			/* Left out siblings were written first; they are drawn last. */
			if (node.merged) node.up.kids.push(node.up.kids.shift());
		}
	}

	/* ---- merged by leaf ---- */

	byLeaf() {
		if (!this.leafRoot) this.leafRoot = this.makeLeafRoot();
		return this.leafRoot;
	}

	makeLeafRoot() {
		const root = new FlameNode(this.root.frame, null);
		const groups = new Map();

		for (const n of this.nodes)
			if (n.up && n.frame >= 0 && n.self > 0)
				addOrigin(groups, root, n.frame, n, n.self);
		for (let i = 0; i < this.leaves.length; i += 3) {
			if (this.leaves[i] < 0) {
				root.hidden = {
					weight: this.leaves[i + 1],
					count: -this.leaves[i],
				};
				break;
			}
			const leaf = groupOf(groups, root, this.leaves[i]);
			leaf.total += this.leaves[i + 1];
			leaf.hidden = { weight: this.leaves[i + 1], count: this.leaves[i + 2] };
		}
		root.total = this.root.total;
		root.self = this.root.self;
		root.kids = finishGroups(groups, root);
		return root;
	}

	kids(node) {
		if (node.kids) return node.kids;
		const groups = new Map();
		for (let i = 0; i < node.origins.length; i += 2) {
			const caller = node.origins[i].up;
			const weight = node.origins[i + 1];

			if (caller.up) addOrigin(groups, node, caller.frame, caller, weight);
			else node.self += weight;
		}
		node.kids = finishGroups(groups, node);
		return node.kids;
	}

	/* ---- groups of small frames ---- */

	/* A node for those children that weigh no more than limit, and on the first level also for
	 * what is not in the file: drawn as one, and one can look inside. A member's `up` stays the
	 * real parent. */
	group(parent, limit) {
		return makeGroup(
			parent,
			String(limit),
			this.kids(parent).filter(
				(k) => k.total <= limit || (k.merged && !parent.step),
			),
		);
	}

	/* The same for children in a row. */
	run(parent, from, to) {
		return makeGroup(parent, `${from}-${to}`, this.kids(parent).slice(from, to));
	}

	/* Whether two nodes are one and the same: groups are made anew each time. */
	same(a, b) {
		while (a && b && a.step && a.step === b.step) {
			a = a.up;
			b = b.up;
		}
		return a === b;
	}

	/* ---- words ---- */

	label(node) {
		if (node.merged)
			return `${formatCount(node.merged)} small frame${node.merged > 1 ? 's' : ''}`;
		return this.names[node.frame];
	}

	kind(node) {
		return node.merged ? -1 : Math.floor(this.palette[node.frame] / SHADES);
	}

	/* ---- search ---- */

	/* For each frame, whether the expression matches its name or its module. */
	matches(regex) {
		return this.names.map(
			(name, i) =>
				regex.test(name) ||
				(this.modules[i] !== '' && regex.test(this.modules[i])),
		);
	}

	/* The weight of all stacks that hold a matching frame, each counted once. */
	matchedTotal(matches) {
		const todo = [this.root];
		let sum = 0;

		while (todo.length) {
			const node = todo.pop();

			if (node.frame >= 0 && node.up && matches[node.frame]) sum += node.total;
			else for (const k of node.kids) todo.push(k);
		}
		return sum;
	}

	/* ---- places, for links ---- */

	/* How deep, and which frame was chosen wherever there was a choice: "12:7.31". A group adds
	 * its limit, "12:7.31~40", or its first and last: "12:7.31~40~0-12". */
	path(node) {
		const choices = [];
		let groups = '';

		for (; node.step; node = node.up) groups = `~${node.step}${groups}`;
		const depth = node.depth;
		for (; node.up; node = node.up)
			if (this.kids(node.up).length > 1) choices.push(node.frame);
		return `${depth}:${choices.reverse().join('.')}${groups}`;
	}

	/* The node at a path, or the last one on the way that is there. */
	find(root, path) {
		const [place, ...steps] = path.split('~');
		const [depth, list] = place.split(':');
		const choices = (list || '').split('.').map(Number).reverse();
		let node = root;

		for (let left = Number(depth) || 0; left > 0; left--) {
			const kids = this.kids(node);
			const next =
				kids.length === 1
					? kids[0]
					: kids.find((k) => k.frame === choices.at(-1));

			if (!next || next.merged) return node;
			if (kids.length > 1) choices.pop();
			node = next;
		}
		for (const step of steps) {
			const [from, to] = step.split('-').map(Number);
			const group = to ? this.run(node, from, to) : this.group(node, from);

			if (!group.total) return node;
			node = group;
		}
		return node;
	}
}

function makeGroup(parent, step, members) {
	const group = new FlameNode(LEFT_OUT, parent);

	group.step = step;
	group.kids = members;
	for (const k of members) {
		group.total += k.total;
		group.merged += k.merged || 1;
	}
	return group;
}

function groupOf(groups, up, frame) {
	let node = groups.get(frame);

	if (!node) {
		node = new FlameNode(frame, up);
		node.origins = [];
		groups.set(frame, node);
	}
	return node;
}

function addOrigin(groups, up, frame, origin, weight) {
	const node = groupOf(groups, up, frame);

	node.total += weight;
	node.origins.push(origin, weight);
}

/* In order of name, which is the order of frame numbers; what is not in the file comes last. */
function finishGroups(groups, up) {
	const kids = [...groups.values()].sort((a, b) => a.frame - b.frame);

	if (up.hidden) {
		const rest = new FlameNode(LEFT_OUT, up);

		rest.kids = [];
		rest.merged = up.hidden.count;
		rest.total = up.hidden.weight;
		kids.push(rest);
	}
	return kids;
}
