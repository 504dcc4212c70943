/* Starts the page: in an HTML report one graph for each place that waits for one; in an SVG the
 * drawn picture gives way to a live one that fills the window. */
'use strict';

/* Title and notes, as the HTML report has them from the start. */
function makeHeader(report) {
	const header = html('header', {}, html('h1', {}, report.title));

	if (report.subtitle) header.append(html('p', { class: 'subtitle' }, report.subtitle));
	for (const [level, text] of report.notes)
		header.append(html('p', { class: `note ${level}` }, text));
	return header;
}

/* What is drawn and needs no more than a place: taken out of the picture as it is. */
function makeDrawing(id) {
	const host = html('div', { class: 'drawing', 'data-id': id });
	const drawn = [...document.querySelectorAll('.drawn')].find((g) => g.dataset.id === id);
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const [, , width, height] = drawn.dataset.box.split(' ');

	svg.setAttribute('class', 'still');
	svg.setAttribute('viewBox', drawn.dataset.box);
	svg.setAttribute('width', width);
	svg.setAttribute('height', height);
	svg.style.minWidth = `${Math.min(width, 900)}px`;
	svg.append(drawn);
	host.append(svg);
	return host;
}

function makePicture([kind, id]) {
	return kind === 'tree' ? html('div', { class: 'flame', 'data-id': id }) : makeDrawing(id);
}

function makeStage(report) {
	const svg = document.documentElement;
	const page = html('div', { class: 'page' }, makeHeader(report));
	const stage = document.createElementNS('http://www.w3.org/2000/svg', 'foreignObject');
	const several = report.pictures.length > 1;

	page.classList.toggle('single', !several && report.trees.length === 1);
	for (const picture of report.pictures)
		page.append(...(several ? [html('h2', {}, picture[2])] : []), makePicture(picture));
	stage.setAttribute('width', '100%');
	stage.setAttribute('height', '100%');
	stage.append(page);
	document.getElementById('still').remove();
	svg.querySelector('title').remove();
	svg.removeAttribute('viewBox');
	svg.removeAttribute('role');
	svg.setAttribute('width', '100%');
	svg.setAttribute('height', '100%');
	svg.classList.add('live');
	svg.append(stage);
}

/* The graphs that wait for a tree; in the order of the page. */
function makeViews(report) {
	const views = [];

	for (const [i, host] of [...document.querySelectorAll('.flame')].entries()) {
		const tree = report.trees[i];

		/* A tree that weighs nothing has but its root. */
		if (tree.nodes[2] === 0 && tree.nodes.length === 3)
			host.append(html('p', { class: 'empty' }, tree.note));
		else views.push(new FlameView(host, tree));
	}
	return views;
}

function makeHeatmaps(report) {
	const hosts = [...document.querySelectorAll('.drawing')];

	return report.heatmaps.map(
		(data) =>
			new Heatmap(
				hosts.find((h) => h.dataset.id === data.id),
				data,
			),
	);
}

function start() {
	const report = JSON.parse(document.getElementById('report-data').textContent);
	const isSvg = document.documentElement.localName === 'svg';

	if (isSvg) makeStage(report);
	const views = makeViews(report);
	const heatmaps = makeHeatmaps(report);
	const all = [...views, ...heatmaps.filter((h) => h.view).map((h) => h.view)];
	if (all.length) {
		listenToKeys(all, isSvg && report.pictures.length === 1 && views.length === 1);
		keepLink(all, heatmaps);
	}
}

start();
