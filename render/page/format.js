/* Numbers for people: as render/number.c writes them, with one digit more for small shares. */
'use strict';

const DURATIONS = [
	[1728e11, 864e11, 'd'],
	[36e11, 36e11, 'h'],
	[1e12, 6e10, 'min'],
	[1e9, 1e9, 's'],
	[1e6, 1e6, 'ms'],
	[1e3, 1e3, 'µs'],
	[0, 1, 'ns'],
];
const SIZES = [
	[2 ** 60, 2 ** 60, 'EiB'],
	[2 ** 50, 2 ** 50, 'PiB'],
	[2 ** 40, 2 ** 40, 'TiB'],
	[2 ** 30, 2 ** 30, 'GiB'],
	[2 ** 20, 2 ** 20, 'MiB'],
	[2 ** 10, 2 ** 10, 'KiB'],
	[0, 1, 'B'],
];

const COUNT = new Intl.NumberFormat('en-US');

function formatCount(n) {
	return COUNT.format(n);
}

function formatScaled(n, scales) {
	const [, unit, name] = scales.find(([from]) => n >= from);
	const value = n / unit;
	const decimals = unit === 1 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
	const power = 10 ** decimals;

	/* Cut, not rounded, as in C: 999.9 ms must not become 1000 ms. */
	return `${(Math.floor(value * power) / power).toFixed(decimals)} ${name}`;
}

function formatWeight(n, unit) {
	if (unit === 'ns') return formatScaled(n, DURATIONS);
	if (unit === 'bytes') return formatScaled(n, SIZES);
	return `${formatCount(n)} ${n === 1 ? unit.replace(/s$/, '') : unit}`;
}

function formatPercent(part, whole) {
	const percent = whole > 0 ? (part / whole) * 100 : 0;

	if (percent > 0 && percent < 0.01) return '<0.01%';
	return `${percent.toFixed(percent < 9.995 ? 2 : 1)}%`;
}
