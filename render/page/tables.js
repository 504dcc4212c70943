/* Tables that can be sorted: a click on a heading, once more for the other direction. Numbers are
 * compared by what the cell's data-v says, not by how they are written. */
'use strict';

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
	const sign = order === 'ascending' ? 1 : -1;
	const rows = [...table.tBodies[0].rows].map((row) => [cellValue(row, column), row]);

	rows.sort((a, b) => sign * compareCells(a[0], b[0]));
	for (const th of table.tHead.rows[0].cells) th.removeAttribute('aria-sort');
	heading.setAttribute('aria-sort', order);
	table.tBodies[0].append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll('table')) {
	for (const [column, th] of [...table.tHead.rows[0].cells].entries()) {
		const button = document.createElement('button');

		button.type = 'button';
		button.append(...th.childNodes);
		button.addEventListener('click', () => sortTable(table, column));
		th.append(button);
	}
}
