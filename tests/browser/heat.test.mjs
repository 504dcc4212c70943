/* Heatmaps and histograms, in an SVG and in an HTML report, as a person uses them. What they should
 * show is in the JSON of the same report. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import {
	address,
	addressOf,
	frames,
	PAGES,
	startBrowser,
	stopBrowser,
	withPage,
} from './browser.mjs';

before(startBrowser);
after(stopBrowser);

function readReport(name) {
	return JSON.parse(readFileSync(`${PAGES}/${name}.json`, 'utf8'));
}

function heatmapOf(name, id) {
	return readReport(name).sections[id];
}

/* Where the cells of a heatmap are on the screen. */
async function cells(page, id, map) {
	const box = await page.locator(`.drawing[data-id="${id}"] .plot`).boundingBox();
	const width = box.width / (map.x.edges.length - 1);
	const height = box.height / (map.y.edges.length - 1);

	return {
		at: (column, row) => ({
			x: box.x + (column + 0.5) * width,
			y: box.y + box.height - (row + 0.5) * height,
		}),
	};
}

async function pointAt(page, place, column, row) {
	const { x, y } = place.at(column, row);

	await page.mouse.move(x, y);
}

async function drag(page, place, from, to) {
	await pointAt(page, place, ...from);
	await page.mouse.down();
	await pointAt(page, place, ...to);
	await page.mouse.up();
}

async function click(page, place, column, row) {
	const { x, y } = place.at(column, row);

	await page.mouse.click(x, y);
}

function tip(page, id) {
	return page.locator(`.drawing[data-id="${id}"] ~ .tip`).first();
}

function shown(n) {
	return n.toLocaleString('en-US');
}

/* ---- what the pages with stacks hold, as make_pages.c writes it ---- */

const COLUMNS = 13;
const ROWS = 50;

function plain(column, row) {
	return 1 + ((column * 7 + row * 3) % 5);
}

/* Weights of the frames in the cells that are wanted. */
function expected(wanted) {
	const sums = new Map();

	for (let column = 0; column < COLUMNS; column++) {
		for (let row = 0; row < ROWS; row++) {
			if (!wanted(column, row)) continue;
			const name = `f${column % 3}`;

			sums.set(name, (sums.get(name) || 0) + plain(column, row));
			if (row === 23) sums.set('bad', (sums.get('bad') || 0) + 97);
		}
	}
	return Object.fromEntries(sums);
}

/* The same from the flame graph that the page shows. */
async function leaves(page) {
	const list = (await frames(page)).filter((f) => f.level === 3);

	return Object.fromEntries(
		list.map((f) => [/^f\d$/.test(f.label) ? f.label : 'bad', f.weight]),
	);
}

function inRange(from, to) {
	return (column, row) => {
		const n = column * ROWS + row;

		return n >= from[0] * ROWS + from[1] && n <= to[0] * ROWS + to[1];
	};
}

function total(sums) {
	return Object.values(sums).reduce((a, b) => a + b, 0);
}

function heading(page) {
	return page.locator('h3').textContent();
}

async function checkSelection(page, wanted) {
	const sums = expected(wanted);
	const n = total(sums);

	assert.deepEqual(await leaves(page), sums);
	assert.match(await heading(page), new RegExp(`: ${shown(n)} samples?$`));
}

function heatTests(kind) {
	test('tells of each cell what is in it', async () => {
		const map = heatmapOf('heat', 'latency-map');

		await withPage(
			`heat.${kind}`,
			{ viewport: { width: 1300, height: 2000 } },
			async (page) => {
				const place = await cells(page, 'latency-map', map);
				let seen = 0;

				for (
					let column = 0;
					column < map.x.edges.length - 1;
					column += 17
				) {
					for (let row = 0; row < map.y.edges.length - 1; row += 3) {
						const n = map.cells[row][column];
						const from = map.x.edges[column] / 1e9;

						await pointAt(page, place, column, row);
						const lines = await tip(
							page,
							'latency-map',
						).innerText();
						assert.ok(
							lines.startsWith(
								`${shown(n)} request${n === 1 ? '' : 's'}\n`,
							),
							`${lines} at ${column}, ${row}`,
						);
						const said = /^([\d.]+) (µs|ms|s) to /m.exec(lines);
						const unit = { µs: 1e-6, ms: 1e-3, s: 1 }[said[2]];
						assert.ok(
							Math.abs(said[1] * unit - from) < 1e-9,
							lines,
						);
						seen += n > 0;
					}
				}
				assert.ok(seen > 50);
				await page.mouse.move(2, 2);
				assert.ok(await tip(page, 'latency-map').isHidden());
			},
		);
	});

	test('draws every cell that holds something, the fuller the darker', async () => {
		for (const id of ['latency-map', 'busy']) {
			const map = heatmapOf('heat', id);
			const filled = map.cells.flat().filter((n) => n > 0).length;
			const most = Math.max(...map.cells.flat());

			await withPage(`heat.${kind}`, {}, async (page) => {
				const paths = await page.evaluate((i) => {
					const all = document.querySelectorAll(
						`.drawing[data-id="${i}"] .cells path`,
					);
					return [...all].map((p) => [
						getComputedStyle(p).stroke,
						p.getAttribute('d'),
					]);
				}, id);
				const drawn = new Map();

				for (const [color, d] of paths) {
					for (const [, x, y, n] of d.matchAll(/M(\d+) (\d+)h(\d+)/g))
						for (let i = 0; i < Number(n); i++)
							drawn.set(
								`${Number(x) + i},${map.cells.length - 1 - y}`,
								color,
							);
				}
				assert.equal(drawn.size, filled);
				const light = (c) =>
					c
						.match(/\d+/g)
						.reduce(
							(sum, v, i) => sum + v * [0.3, 0.6, 0.1][i],
							0,
						);
				map.cells.forEach((line, row) =>
					line.forEach((n, column) => {
						if (n === most)
							assert.ok(
								light(
									drawn.get(
										`${column},${row}`,
									),
								) < 40,
							);
						if (n === 1)
							assert.ok(
								light(
									drawn.get(
										`${column},${row}`,
									),
								) > 200,
							);
					}),
				);
			});
		}
	});

	test('moves from cell to cell by keyboard and says what is there', async () => {
		const map = heatmapOf('heat', 'busy');

		await withPage(`heat.${kind}`, {}, async (page) => {
			const said = page.locator('.drawing[data-id="busy"] ~ .said').first();

			await page.locator('.drawing[data-id="busy"]').focus();
			await page.keyboard.press('ArrowRight');
			await page.keyboard.press('ArrowUp');
			await page.keyboard.press('ArrowUp');
			await page.keyboard.press('Control+ArrowRight');
			const share = (map.cells[2][10] / map.full) * 100;
			const words = await said.textContent();
			assert.ok(words.endsWith(', CPU 2'), words);
			assert.ok(
				Math.abs(parseFloat(words) - share) < 0.06,
				`${words} for ${share}`,
			);
			await page.keyboard.press('End');
			await page.keyboard.press('PageUp');
			assert.match(await said.textContent(), /, CPU 7$/);
			await page.keyboard.press('ArrowRight');
			assert.match(await said.textContent(), /, CPU 7$/);
		});
	});

	test('has colours of its own in a dark window', async () => {
		const colors = {};

		for (const colorScheme of ['light', 'dark'])
			await withPage(`heat.${kind}`, { colorScheme }, async (page) => {
				colors[colorScheme] = await page.evaluate(() =>
					['.h0', '.plot', '.muted', '.bar'].map((s) => {
						const { fill } = getComputedStyle(
							document.querySelector(`.drawing ${s}`),
						);
						const [r, g, b] = fill.match(/\d+/g);
						return r * 0.3 + g * 0.6 + b * 0.1;
					}),
				);
			});
		const [low, back, text, bar] = colors.dark;
		assert.ok(back < 40 && text > 120 && bar > 120 && low > back + 25);
		assert.ok(colors.light[1] > 230 && colors.light[2] < 120 && colors.light[0] < 230);
	});

	test('draws a histogram whose bars add up', async () => {
		const { series } = readReport('heat').sections.latency;

		await withPage(`heat.${kind}`, {}, async (page) => {
			const titles = await page.evaluate(() =>
				[...document.querySelectorAll('.bar title')].map(
					(t) => t.textContent,
				),
			);
			const sum = titles.reduce(
				(n, t) =>
					n +
					Number(
						/: ([\d,]+) requests?/
							.exec(t)[1]
							.replaceAll(',', ''),
					),
				0,
			);

			assert.equal(sum, series[0].count + series[1].count);
			const text = await page
				.locator('.drawing[data-id="latency"]')
				.textContent();
			assert.ok(text.includes('write <script>alert(8)</script>'));
			assert.ok(text.includes('p99.9'));
		});
	});

	test('shows the flame graph of everything at first', async () => {
		await withPage(`seconds.${kind}`, {}, async (page) => {
			await checkSelection(page, () => true);
			assert.match(await heading(page), /^Flame graph of everything: /);
		});
	});

	test('shows the flame graph of a range that was dragged, in either direction', async () => {
		const map = heatmapOf('seconds', 'cpu_sample');

		await withPage(`seconds.${kind}`, {}, async (page) => {
			const place = await cells(page, 'cpu_sample', map);

			for (const [from, to] of [
				[
					[2, 40],
					[5, 3],
				],
				[
					[5, 3],
					[2, 40],
				],
			]) {
				await drag(page, place, from, to);
				await checkSelection(page, inRange([2, 40], [5, 3]));
				assert.match(await heading(page), /of 2\.80 s to 5\.08 s: /);
			}
			await drag(page, place, [7, 10], [7, 20]);
			await checkSelection(page, inRange([7, 10], [7, 20]));
		});
	});

	test('shows the flame graph between two clicks', async () => {
		const map = heatmapOf('seconds', 'cpu_sample');

		await withPage(`seconds.${kind}`, {}, async (page) => {
			const place = await cells(page, 'cpu_sample', map);

			await click(page, place, 3, 23);
			await checkSelection(page, () => true);
			await click(page, place, 3, 23);
			await checkSelection(page, inRange([3, 23], [3, 23]));
			await click(page, place, 9, 1);
			await click(page, place, 1, 48);
			await checkSelection(page, inRange([1, 48], [9, 1]));
		});
	});

	test('selects by keyboard and gives up by Escape', async () => {
		await withPage(`seconds.${kind}`, {}, async (page) => {
			await page.locator('.drawing').focus();
			for (const key of [
				'ArrowRight',
				'ArrowRight',
				'ArrowUp',
				'Enter',
				'ArrowRight',
				'Enter',
			])
				await page.keyboard.press(key);
			await checkSelection(page, inRange([1, 1], [2, 1]));
			await page.keyboard.press('Enter');
			await page.keyboard.press('Escape');
			await checkSelection(page, inRange([1, 1], [2, 1]));
			await page.keyboard.press('Escape');
			await checkSelection(page, () => true);
		});
	});

	test('keeps the selection in the address', async () => {
		const map = heatmapOf('seconds', 'cpu_sample');
		let url;

		await withPage(`seconds.${kind}`, {}, async (page) => {
			const place = await cells(page, 'cpu_sample', map);

			await drag(page, place, [4, 7], [6, 30]);
			url = await address(page);
			await drag(page, place, [1, 1], [2, 2]);
			assert.notEqual(await address(page), url); // which is written a moment later
			await page.goBack();
			await checkSelection(page, inRange([4, 7], [6, 30]));
		});
		const hash = url.slice(url.indexOf('#'));
		assert.equal(url, `${addressOf(`seconds.${kind}`)}${hash}`);
		await withPage(`seconds.${kind}${hash}`, {}, async (page) =>
			checkSelection(page, inRange([4, 7], [6, 30])),
		);
		for (const bad of ['1.2.3', '0.0.99.0', 'x', '1.2.3.4.5', '-1.0.0.0', '0.5.1.1.1'])
			await withPage(`seconds.${kind}#cpu_sample.s=${bad}`, {}, async (page) =>
				checkSelection(page, () => true),
			);
	});

	test('keeps search and view while another range is selected', async () => {
		const map = heatmapOf('seconds', 'cpu_sample');

		await withPage(`seconds.${kind}`, {}, async (page) => {
			const place = await cells(page, 'cpu_sample', map);
			const sums = expected(inRange([0, 0], [4, 49]));

			await page.locator('.search').fill('^f1$');
			await page.getByRole('button', { name: 'Inverted' }).click();
			await drag(page, place, [0, 0], [4, 49]);
			assert.match(
				await page.locator('.found').textContent(),
				new RegExp(`matched \\(${shown(sums.f1)} samples\\)`),
			);
			const pressed = page.getByRole('button', { name: 'Inverted' });
			assert.equal(await pressed.getAttribute('aria-pressed'), 'true');
		});
	});

	test('selects a rectangle where rows are values', async () => {
		const map = heatmapOf('rectangle', 'cpu_sample');

		await withPage(`rectangle.${kind}`, {}, async (page) => {
			const place = await cells(page, 'cpu_sample', map);
			const inside = (column, row) =>
				column >= 2 && column <= 5 && row >= 20 && row <= 40;

			await drag(page, place, [2, 40], [5, 20]);
			await checkSelection(page, inside);
			await drag(page, place, [5, 40], [2, 20]);
			await checkSelection(page, inside);
		});
	});

	test('shows hostile names as text', async () => {
		await withPage(`seconds.${kind}`, {}, async (page) => {
			assert.equal(
				await page.locator('h1').textContent(),
				'</script><script>alert(2)</script>',
			);
			const place = await cells(
				page,
				'cpu_sample',
				heatmapOf('seconds', 'cpu_sample'),
			);
			await pointAt(page, place, 1, 1);
			assert.ok(
				(await tip(page, 'cpu_sample').innerText()).includes(
					'"]]><img src=x onerror=alert(3)>: 20.0 ms to 40.0 ms',
				),
			);
			const label = await page.locator('.drawing').getAttribute('aria-label');
			assert.ok(label.includes('<script>alert(1)</script>'));
		});
	});

	test('stays small with more stacks than fit, and says what it costs', async () => {
		const map = heatmapOf('many', 'cpu_sample');

		assert.ok(statSync(`${PAGES}/many.${kind}`).size < 10e6);
		await withPage(`many.${kind}`, {}, async (page) => {
			const place = await cells(page, 'cpu_sample', map);
			const hint = await page.locator('.hint-below').textContent();
			const [, block] = /stacks are known for (\d+) rows together/
				.exec(hint)
				.map(Number);
			const wanted = map.cells.reduce(
				(sum, line, row) => sum + (row < block ? line[7] : 0),
				0,
			);

			await drag(page, place, [7, 1], [7, 0]);
			assert.match(
				await heading(page),
				new RegExp(`: ${shown(wanted)} samples$`),
			);
			const root = (await frames(page)).find((f) => f.level === 1);
			assert.equal(root.weight, wanted);
		});
	});
}

describe('heatmaps in SVG', () => heatTests('svg'));
describe('heatmaps in HTML', () => {
	heatTests('html');

	test('show their cells without JavaScript', async () => {
		await withPage('heat.html', { javaScriptEnabled: false }, async (page) => {
			assert.ok((await page.locator('.cells path').count()) > 10);
			assert.ok(
				(await page.locator('.drawing').first().boundingBox()).height > 200,
			);
		});
	});

	test('have the numbers of a histogram as a table', async () => {
		const { series } = readReport('heat').sections.latency;

		await withPage('heat.html', {}, async (page) => {
			await page.locator('summary').first().click();
			const rows = await page
				.locator('details')
				.first()
				.locator('tbody tr td:last-child')
				.allInnerTexts();

			assert.deepEqual(
				rows,
				series[0].buckets.map((b) => shown(b.count)),
			);
		});
	});

	test('fit into a narrow window', async () => {
		await withPage(
			'heat.html',
			{ viewport: { width: 400, height: 800 } },
			async (page) => {
				const overflow = await page.evaluate(
					() => document.documentElement.scrollWidth - innerWidth,
				);

				assert.ok(overflow <= 0, `${overflow} pixels too wide`);
			},
		);
	});
});
