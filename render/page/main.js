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

function makeStage(report) {
	const svg = document.documentElement;
	const page = html('div', { class: 'page' }, makeHeader(report));
	const stage = document.createElementNS('http://www.w3.org/2000/svg', 'foreignObject');
	const hosts = report.trees.map((t) => html('div', { class: 'flame', 'data-id': t.id }));

	page.classList.toggle('single', hosts.length === 1);
	for (const [i, host] of hosts.entries())
		page.append(
			...(hosts.length > 1 ? [html('h2', {}, report.trees[i].title)] : []),
			host,
		);
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
	return hosts;
}

function start() {
	const report = JSON.parse(document.getElementById('report-data').textContent);
	const isSvg = document.documentElement.localName === 'svg';
	const hosts = isSvg ? makeStage(report) : [...document.querySelectorAll('.flame')];
	const views = [];

	for (const [i, host] of hosts.entries()) {
		const tree = report.trees[i];

		/* A tree that weighs nothing has but its root. */
		if (tree.nodes[2] === 0 && tree.nodes.length === 3)
			host.append(html('p', { class: 'empty' }, tree.note));
		else views.push(new FlameView(host, tree));
	}

	if (views.length) {
		listenToKeys(views, isSvg && hosts.length === 1);
		keepLink(views);
	}
}

start();
