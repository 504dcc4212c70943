/* The keyboard: moving from frame to frame, and one key for everything the toolbar can do. */
'use strict';

const KEYS = [
	['Click, Enter', 'zoom into a frame; a frame below it zooms out again'],
	['0, Esc', 'reset the zoom; once more clears the search'],
	['Backspace', 'zoom out by one frame'],
	['Arrow keys', 'move between frames'],
	['Home', 'go to the zoomed frame'],
	['/, Ctrl+F', 'search; again Ctrl+F for the browser’s own'],
	['i', 'inverted: the root on top'],
	['m', 'merge by leaf: who spends it first, then the callers'],
	['?', 'show or hide this help'],
	['Touch', 'tap zooms, a long press tells about a frame'],
];

const ABOUT =
	'Each box is a frame of a stack, as wide as its share of the whole; what it calls is next to it, in ' +
	'order of name. The address of this page keeps the zoom, the search and the view: copy it to come ' +
	'back here. A search without capital letters ignores case; its percentage counts each stack once.';

/* The keys of a picture, below its toolbar, or not any more. */
function toggleHelp(host, button, keys, about) {
	const open = host.querySelector('.help');

	button.setAttribute('aria-expanded', String(!open));
	if (open) {
		open.remove();
		return;
	}
	const list = html(
		'dl',
		{},
		...keys.flatMap(([key, what]) => [html('dt', {}, key), html('dd', {}, what)]),
	);
	const help = html(
		'div',
		{ class: 'help', role: 'note', 'aria-label': 'Help' },
		list,
		html('p', {}, about),
	);
	host.querySelector('.toolbar').after(help);
}

const ACTIONS = {
	'/': (v) => v.search.focus(),
	0: (v) => v.zoomTo(v.root()),
	i: (v) => v.toggle('icicle'),
	m: (v) => v.toggle('byLeaf'),
	'?': (v) => v.toggleHelp(),
};

const MOVES = {
	ArrowLeft: (v, box) => neighbour(v, box, -1),
	ArrowRight: (v, box) => neighbour(v, box, 1),
	ArrowUp: (v, box) => (v.state.icicle ? below(v, box) : above(v, box)),
	ArrowDown: (v, box) => (v.state.icicle ? above(v, box) : below(v, box)),
	Home: (v) => v.findBox(v.state.zoom),
};

function neighbour(view, box, step) {
	const row = view.rows[box.depth];

	return row[row.indexOf(box) + step];
}

/* The widest child, and the parent: a box over, or under, the middle of this one's edge. */
function above(view, box) {
	const row = view.rows[box.depth + 1] || [];
	const inside = row.filter((b) => b.x >= box.x - 0.01 && b.x + b.w <= box.x + box.w + 0.01);

	return inside.reduce((best, b) => (!best || b.w > best.w ? b : best), null);
}

function below(view, box) {
	const row = view.rows[box.depth - 1] || [];

	return row.find((b) => b.x <= box.x + 0.01 && b.x + b.w >= box.x + box.w - 0.01);
}

function select(view, box) {
	if (!box) return;
	view.selected = box;
	view.scrollIntoView(box);
	view.draw();
	const el = view.frames.querySelector('[aria-selected=true]');
	if (el) view.tip.showUnder(el, box);
}

function escapeKey(view) {
	const inSearch = document.activeElement === view.search;

	view.tip.hide();
	if (view.host.querySelector('.help')) view.toggleHelp();
	else if (view.isZoomed() && !inSearch) view.zoomTo(view.root());
	else view.setQuery('');
	if (inSearch) view.panel.focus({ preventScroll: true });
}

/* Keys while the frames have the focus. */
function panelKey(view, e) {
	const from = view.selected || view.findBox(view.state.zoom);

	if (!from) return false;
	if (MOVES[e.key]) select(view, view.selected ? MOVES[e.key](view, from) : from);
	else if (e.key === 'Enter' || e.key === ' ') view.zoomTo(from.node);
	else if (e.key === 'Backspace' && view.isZoomed()) view.zoomTo(view.state.zoom.up);
	else return false;
	return true;
}

function globalKey(view, e) {
	if (e.key === 'Escape') escapeKey(view);
	else if (
		(e.ctrlKey || e.metaKey) &&
		e.key === 'f' &&
		document.activeElement !== view.search
	)
		view.search.focus();
	else if (!e.ctrlKey && !e.metaKey && ACTIONS[e.key] && !isTyping(e.target))
		ACTIONS[e.key](view);
	else return false;
	return true;
}

function isTyping(target) {
	return target.localName === 'input';
}

function isControl(target) {
	return target !== null && ['input', 'button'].includes(target.localName);
}

/* Whether a key asks something of a graph wherever the focus is, so that one not made yet has to be. */
function isAction(e) {
	if (e.ctrlKey || e.metaKey) return e.key === 'f';
	return Object.hasOwn(ACTIONS, e.key) && !isTyping(e.target);
}

/* Keys go to the graph that was used last. In a page of its own (an SVG) the arrows work at once;
 * in a report they scroll the page until the graph has the focus. */
function listenToKeys(views, own) {
	let current = null;

	for (const view of views)
		for (const event of ['focusin', 'pointerdown'])
			view.host.addEventListener(event, () => {
				current = view.get();
			});
	document.addEventListener('keydown', (e) => {
		/* Null in an SVG before anything was clicked. */
		const target = document.activeElement;

		if (e.altKey || e.defaultPrevented) return;
		current = current || (isAction(e) ? views[0].get() : views[0].made);
		if (!current) return;
		const inPanel = target === current.panel || (own && !isControl(target));
		if (e.key === 'Enter' && target === current.search)
			current.panel.focus({ preventScroll: true });
		else if (
			!(inPanel && !e.ctrlKey && !e.metaKey && panelKey(current, e)) &&
			!globalKey(current, e)
		)
			return;
		e.preventDefault();
	});
}
