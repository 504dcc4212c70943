/* Tables that can be sorted and filtered: a click on a heading, once more for the other direction; words
 * that rows must have. Numbers are compared by what the cell's data-v says, not by how they are written. */
'use strict';

const FILTER_FROM = 8; /* rows, below which nobody has to search */

function cellValue(row, column) {
	const cell = row.cells[column];

	return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
}

function compareCells(a, b) {
	return typeof a === 'number' ? a - b : a.localeCompare(b, 'en');
}

function sortTable(table, column) {
	const heading = table.tHead.rows[0].cells[column];
	const numeric = heading.classList.contains('n');
	/* Of numbers the large ones are wanted first. */
	const first = numeric ? 'descending' : 'ascending';
	const other = numeric ? 'ascending' : 'descending';
	const order = heading.getAttribute('aria-sort') === first ? other : first;

	for (const th of table.tHead.rows[0].cells) th.removeAttribute('aria-sort');
	heading.setAttribute('aria-sort', order);
	sortAgain(table);
}

/* By the column that was chosen, if there is one. */
function sortAgain(table) {
	const headings = [...table.tHead.rows[0].cells];
	const column = headings.findIndex((th) => th.hasAttribute('aria-sort'));

	if (column < 0) return;
	const sign = headings[column].getAttribute('aria-sort') === 'ascending' ? 1 : -1;
	const rows = [...table.tBodies[0].rows].map((row) => [cellValue(row, column), row]);
	rows.sort((a, b) => sign * compareCells(a[0], b[0]));
	table.tBodies[0].append(...rows.map(([, row]) => row));
}

/* Shows the rows that have all of the words, whatever the case. */
function filterTable(table, text, found) {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	let n = 0;

	for (const row of table.tBodies[0].rows) {
		const content = row.textContent.toLowerCase();

		row.hidden = !words.every((w) => content.includes(w));
		n += row.hidden ? 0 : 1;
	}
	found.textContent = words.length
		? `${n.toLocaleString('en-US')} of ${table.tBodies[0].rows.length.toLocaleString('en-US')} rows`
		: '';
}

function addFilter(table) {
	const input = document.createElement('input');
	const found = document.createElement('output');
	const bar = document.createElement('div');

	input.type = 'search';
	input.className = 'filter search';
	input.placeholder = 'Filter rows';
	input.setAttribute('aria-label', 'Show the rows of this table that contain');
	found.className = 'found';
	bar.className = 'toolbar';
	bar.append(input, found);
	input.addEventListener('input', () => filterTable(table, input.value, found));
	(table.closest('.scroll') || table).before(bar);
}

function makeSortable(table) {
	for (const [column, th] of [...table.tHead.rows[0].cells].entries()) {
		const button = document.createElement('button');

		button.type = 'button';
		button.append(...th.childNodes);
		button.addEventListener('click', () => sortTable(table, column));
		th.append(button);
	}
	if (table.tBodies[0].rows.length >= FILTER_FROM) addFilter(table);
}

/* As parts of the page (parts.js): what is far from sight need not answer. A table that is a part already, as it
 * knows what came when, is left out. */
function makeTables(parts) {
	const known = new Set(parts.map((p) => p.host));

	return [...document.querySelectorAll('table')]
		.map((table) => [table.closest('.scroll') || table, table])
		.filter(([host]) => !known.has(host))
		.map(
			([host, table]) =>
				new Part(host, '', () => {
					makeSortable(table);
					return table;
				}),
		);
}
