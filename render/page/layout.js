/* Where the frames go: rows of boxes, only those wide enough to be seen.
 *
 * The zoomed frame takes the full width, and so do those beneath it. Above it each child gets its
 * share of its parent. Siblings too narrow to see become one box at the right end, so that nothing
 * is lost from sight and widths still add up. */
'use strict';

const MIN_WIDTH = 2; /* pixels */
const PARTS = 20; /* into which a group is divided if it is too full */

/* A list of rows, from the root on; a box is { node, x, w, depth, past }. past marks those beneath
 * the zoomed frame. */
function layoutFlame(tree, zoom, width) {
	const rows = [];

	for (let node = zoom; node; node = node.up)
		rows.push([{ node, x: 0, w: width, depth: 0, past: node !== zoom }]);
	rows.reverse().forEach((row, depth) => {
		row[0].depth = depth;
	});
	const todo = zoom.total > 0 ? [rows[rows.length - 1][0]] : [];
	while (todo.length) {
		const children = layoutChildren(tree, todo.pop(), width / zoom.total);

		if (!children.length) continue;
		const { depth } = children[0];
		if (!rows[depth]) rows[depth] = [];
		for (const box of children) {
			rows[depth].push(box);
			if (!box.node.merged) todo.push(box);
		}
	}
	for (const row of rows) row.sort((a, b) => a.x - b.x);
	return rows;
}

function layoutChildren(tree, parent, scale) {
	const depth = parent.depth + 1;
	const boxes = [];
	let { x } = parent;

	for (const node of visibleChildren(tree, parent.node, MIN_WIDTH / scale)) {
		const w = node.total * scale;

		if (w >= MIN_WIDTH / 2) boxes.push({ node, x, w, depth, past: false });
		x += w;
	}
	return boxes;
}

/* The children that weigh enough to be seen, then the others as one group, in which one can look.
 * Inside of a group what is not in the file stays apart, as one cannot look into that; and if the
 * group would again hold all there is, it is divided, so that each look shows more. */
function visibleChildren(tree, parent, enough) {
	const kids = tree.kids(parent);
	const inGroup = parent.step !== '';
	const isSmall = (k) => k.total < enough || (k.merged > 0 && !inGroup);
	const large = kids.filter((k) => !isSmall(k) && !k.merged);
	const leftOut = kids.filter((k) => !isSmall(k) && k.merged);
	const small = kids.filter(isSmall);

	if (small.length < 2) return [...large, ...small, ...leftOut];
	if (inGroup && !large.length) return [...divide(tree, parent, small, enough), ...leftOut];
	const limit = small.reduce((most, k) => (k.merged ? most : Math.max(most, k.total)), 0);
	return [...large, tree.group(parent, limit), ...leftOut];
}

/* Into parts of about the same weight, each wide enough to be clicked. The small ones are the first
 * of the parent's children here. */
function divide(tree, parent, small, enough) {
	const total = small.reduce((sum, k) => sum + k.total, 0);
	const parts = Math.max(1, Math.min(PARTS, Math.floor(total / enough / 4)));
	const runs = [];
	let from = 0;
	let weight = 0;

	small.forEach((k, i) => {
		weight += k.total;
		if (weight >= ((runs.length + 1) * total) / parts || i === small.length - 1) {
			runs.push(i === from ? k : tree.run(parent, from, i + 1));
			from = i + 1;
		}
	});
	return runs;
}
