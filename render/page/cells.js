/* The stacks in the cells of a heatmap, and the tree of those in a selection.
 *
 * The page holds the tree of everything, and for each block of cells how much of each node it has
 * (render/heat_data.h). A selection has the same nodes with other weights; those without any are
 * left out. */
'use strict';

class CellStacks {
	constructor(data) {
		this.tree = data.tree;
		this.weights = data.weights;
		this.parents = readParents(data.tree.nodes);
	}

	/* The tree of the blocks for which `wanted` holds. */
	selected(wanted) {
		const sums = this.sum(wanted);

		return {
			...this.tree,
			nodes: this.nodesWith(sums),
			leaves: this.leavesWith(sums),
		};
	}

	/* The tree of the blocks for which `now` holds, with what `base` has of each node beside it: for a
	 * picture of the difference. */
	compared(now, base) {
		const sums = this.sum(now);
		const before = this.sum(base);
		const data = {
			...this.tree,
			nodes: this.nodesWith(sums, before),
			leaves: this.leavesWith(sums),
		};

		data.before = this.others; /* of each triple of nodes */
		data.baseTotal = before.reduce((a, b) => a + b, 0);
		data.gone = before.reduce((a, b, i) => a + (this.totals[i] ? 0 : b), 0);
		return data;
	}

	sum(wanted) {
		const sums = new Float64Array(this.parents.length);
		const { weights } = this;
		let block = 0;

		for (let i = 0; i < weights.length;) {
			block += weights[i++];
			const n = weights[i++];
			const add = wanted(block);

			for (let k = 0, node = 0; k < n; k++) {
				node += weights[i++];
				if (add) sums[node] += weights[i];
				i++;
			}
		}
		return sums;
	}

	/* The nodes with these weights of their own, as the page writes nodes; and with those that are
	 * compared, all they have below, if there are such. */
	nodesWith(sums, before) {
		const { nodes } = this.tree;
		const totals = sums.slice();
		const depths = new Uint32Array(totals.length);
		const result = [];
		let last = 0;

		const others = before && before.slice();

		for (let i = totals.length - 1; i > 0; i--) {
			totals[this.parents[i]] += totals[i];
			if (others) others[this.parents[i]] += others[i];
		}
		this.totals = totals;
		this.others = [];
		for (let i = 0; i < totals.length; i++) {
			const frame = nodes[i * 3 + 1];

			depths[i] = i ? depths[this.parents[i]] + 1 : 0;
			if (i && !totals[i]) continue;
			if (others) this.others.push(others[i]);
			if (frame < 0) {
				result.push(0, frame, sums[i]);
				continue;
			}
			result.push(i ? last + 1 - depths[i] : 0, frame, sums[i]);
			last = depths[i];
		}
		return result;
	}

	/* Which frames the left out weight ends in is known of everything only: here it is one. */
	leavesWith(sums) {
		const { nodes } = this.tree;
		let weight = 0;
		let count = 0;

		for (let i = 0; i < sums.length; i++) {
			if (nodes[i * 3 + 1] < 0 && sums[i] > 0) {
				weight += sums[i];
				count -= nodes[i * 3 + 1];
			}
		}
		return weight ? [-count, weight] : [];
	}
}

/* The number of each node's parent. */
function readParents(nodes) {
	const parents = new Uint32Array(nodes.length / 3);
	let last = 0;

	for (let i = 1; i < parents.length; i++) {
		let up = last;

		for (let climb = nodes[i * 3]; climb > 0; climb--) up = parents[up];
		parents[i] = up;
		if (nodes[i * 3 + 1] >= 0) last = i;
	}
	return parents;
}
