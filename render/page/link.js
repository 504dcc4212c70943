/* The address of the page holds what is shown, behind the '#', where no server sees it and a file
 * can have it too: z the zoom, q the search, v the view. Only what differs from the beginning is
 * written. With several graphs in a page, those after the first put their name in front; a heatmap
 * always does, and s is its selection. */
'use strict';

function readLink(view, prefix, parameters) {
	const words = (parameters.get(`${prefix}v`) || '').split('-');
	const { state, tree, data } = view;

	state.icicle = words.includes('icicle') || (data.icicle && !words.includes('flame'));
	state.byLeaf = words.includes('leaf');
	state.query = parameters.get(`${prefix}q`) || '';
	state.zoom = tree.find(view.root(), parameters.get(`${prefix}z`) || '');
	view.selected = null;
	view.update();
	view.scrollToZoom();
}

function writeLink(view, prefix, parameters) {
	const { state, tree, data } = view;
	const words = [];

	if (state.icicle !== data.icicle) words.push(state.icicle ? 'icicle' : 'flame');
	if (state.byLeaf) words.push('leaf');
	if (words.length) parameters.set(`${prefix}v`, words.join('-'));
	if (state.query) parameters.set(`${prefix}q`, state.query);
	if (view.isZoomed()) parameters.set(`${prefix}z`, tree.path(state.zoom));
}

/* A fragment without '=' is the name of a place in the page. */
function fragment() {
	const text = location.hash.slice(1);

	return text.includes('=') ? text : '';
}

function keepLink(views, heatmaps) {
	const prefixes = views.map((v, i) => (i ? `${v.id}.` : ''));
	let written = fragment();

	function read() {
		const parameters = new URLSearchParams(fragment());

		for (const h of heatmaps) h.readLink(parameters.get(`${h.id}.s`) || '');
		views.forEach((v, i) => readLink(v, prefixes[i], parameters));
	}

	function write(asStep) {
		const parameters = new URLSearchParams();

		for (const h of heatmaps)
			if (h.writeLink()) parameters.set(`${h.id}.s`, h.writeLink());
		views.forEach((v, i) => writeLink(v, prefixes[i], parameters));
		/* Colons and such may stand in a fragment as they are, and read better. */
		written = parameters.toString().replaceAll('%3A', ':').replaceAll('%7E', '~');
		const url = location.href.replace(/#.*$/s, '') + (written ? `#${written}` : '');
		if (url === location.href) return;
		try {
			history[asStep ? 'pushState' : 'replaceState'](null, '', url);
		} catch {
			/* A page inside of another may not be allowed to: then there is no link. */
		}
	}

	for (const view of [...views, ...heatmaps]) view.onchange = write;
	addEventListener('hashchange', () => {
		if (fragment() !== written && (location.hash === '' || fragment())) {
			written = fragment();
			read();
		}
	});
	if (written) read();
}
