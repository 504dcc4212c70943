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

	page.classList.toggle('single', !several && report.pictures[0][0] === 'tree');
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

/* A tree that weighs nothing has but its root. */
function makeEmpty(host, number) {
	host.append(html('p', { class: 'empty' }, dataOf(number).note));
	return {};
}

function makeView(host, number, time) {
	const view = new FlameView(host, dataOf(number));

	if (time && view.data.slices) {
		const windowed = new WindowedFlame(view);

		time.listen((now, base) => windowed.show(now, base));
	}
	return view;
}

function makeHeatmap(host, number, time) {
	const heatmap = new Heatmap(host, dataOf(number));

	if (time) {
		const windowed = new WindowedHeatmap(heatmap, time);

		time.listen((now, base) => windowed.show(now, base));
	}
	return heatmap;
}

function makeSlicedTable(host, number, time) {
	const table = host.querySelector('table');

	makeSortable(table);
	if (time) {
		const sliced = new SlicedTable(table, dataOf(number));

		time.listen((now, base) => sliced.show(now, base));
	}
	return table;
}

function makeSlicedHistogram(host, number, time) {
	const sliced = new SlicedHistogram(host, dataOf(number));

	if (time) time.listen((now, base) => sliced.show(now, base));
	return sliced;
}

const MAKERS = {
	empty: makeEmpty,
	tree: makeView,
	heatmap: makeHeatmap,
	stacks: makeHeatmap,
	table: makeSlicedTable,
	histogram: makeSlicedHistogram,
	timeline: (host, number, time) => new Timeline(host, dataOf(number), time),
};

/* Gives the parts of the kinds that it is asked for. */
function makeParts(report, time) {
	const hosts = [...document.querySelectorAll('.flame, .drawing, .timeline')];
	const parts = {};

	for (const [number, [kind, id]] of report.parts.entries()) {
		const host =
			kind === 'table'
				? document.querySelector(`[id="${CSS.escape(id)}"] > .scroll`)
				: hosts.find((h) => h.dataset.id === id);

		/* What a picture has no place for: tables, timelines. */
		if (!host) continue;
		(parts[kind] ||= []).push(
			new Part(host, id, () => MAKERS[kind](host, number, time)),
		);
	}
	return (...kinds) => kinds.flatMap((kind) => parts[kind] || []);
}

function start() {
	const report = JSON.parse(document.getElementById('report-data').textContent);
	const isSvg = document.documentElement.localName === 'svg';
	const hasTime = !isSvg && report.parts.some(([kind]) => kind === 'timeline');

	if (isSvg) makeStage(report);
	const time = hasTime ? new TimeWindow() : null;
	const parts = makeParts(report, time);
	const views = [...parts('tree'), ...parts('stacks').map((p) => new InnerPart(p))];
	const pictures = parts('heatmap', 'stacks', 'timeline');
	const all = [...parts('empty', 'tree', ...(time ? ['table', 'histogram'] : [])), ...pictures];

	if (time) document.querySelector('main').append(time.bar);
	if (isSvg) for (const part of all) part.get();
	else watchParts([...all, ...makeTables(all)]);
	if (views.length)
		listenToKeys(views, isSvg && report.pictures.length === 1 && views.length === 1);
	/* The window before what shows it. */
	if (views.length || pictures.length)
		keepLink(views, [...(time ? [time.part()] : []), ...pictures]);
}

start();
