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

/* A link inside of the page to a moment of a picture brings that into sight. */
function showPlace(pictures) {
	const parameters = new URLSearchParams(fragment());
	const place = pictures.find((p) => p.host && parameters.has(`${p.id}.s`));

	if (place) place.host.scrollIntoView({ block: 'nearest' });
}

/* `views` and `pictures` are parts of the page (parts.js): those that are not made yet are as they were at the
 * beginning, unless the address says otherwise. */
function keepLink(views, pictures) {
	const prefixes = views.map((v, i) => (i ? `${v.id}.` : ''));
	let written = fragment();

	function read() {
		const parameters = new URLSearchParams(fragment());

		for (const p of pictures)
			if (p.made || parameters.has(`${p.id}.s`))
				p.get().readLink(parameters.get(`${p.id}.s`) || '');
		views.forEach((v, i) => {
			if (v.made || ['v', 'q', 'z'].some((key) => parameters.has(prefixes[i] + key)))
				readLink(v.get(), prefixes[i], parameters);
		});
	}

	function write(asStep) {
		const parameters = new URLSearchParams();

		for (const p of pictures)
			if (p.made && p.made.writeLink())
				parameters.set(`${p.id}.s`, p.made.writeLink());
		views.forEach((v, i) => {
			if (v.made) writeLink(v.made, prefixes[i], parameters);
		});
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

	for (const part of [...views, ...pictures]) part.onchange(write);
	addEventListener('hashchange', () => {
		if (fragment() !== written && (location.hash === '' || fragment())) {
			written = fragment();
			read();
			showPlace(pictures);
		}
	});
	if (written) read();
}
