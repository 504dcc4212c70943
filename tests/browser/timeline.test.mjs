/* The timeline of a report, and the window that is chosen in it, as a person uses them. What is in the pages
 * is written by make_pages.c: 97 slots of 10 ms. In each the server runs for 3 ms, waits for 2 ms behind the
 * worker, and sleeps in a read for 5 ms, while a disk writes for 3; then one with a bad name wakes it. In slot k
 * the flame graph has k + 1 samples of f<k % 3>, and from slot 50 on 1000 of `late`. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { address, addressOf, frames, startBrowser, stopBrowser, withPage } from './browser.mjs';

before(startBrowser);
after(stopBrowser);

const SLOTS = 97;
const END = 970;
const GUTTER = 210;
const RULER = 24;

/* Lanes from the top: where their middles are, in pixels of the picture. */
const DISK = RULER + 20 + 5 + 6;
const SERVER = RULER + 20 + 5 + 14 + 5 + 9;
const CALLS = SERVER + 9 + 2 + 4;
const WORKER = CALLS + 4 + 2 + 6 + 9;
const BAD = WORKER + 9 + 2 + 5 + 9;
const SHORT = BAD + 9 + 2 + 4;

/* Where a moment (ms) of a lane is on the screen, while all of the time is shown. */
async function placeOf(page, at, y) {
	const box = await page.locator('.lanes-panel canvas').boundingBox();

	return { x: box.x + GUTTER + ((box.width - GUTTER - 4) * at) / END, y: box.y + y };
}

async function click(page, at, y) {
	const p = await placeOf(page, at, y);

	await page.mouse.click(p.x, p.y);
}

async function drag(page, from, to) {
	const a = await placeOf(page, from, SERVER);
	const b = await placeOf(page, to, SERVER);

	await page.mouse.move(a.x, a.y);
	await page.mouse.down();
	await page.mouse.move((a.x + b.x) / 2, a.y);
	await page.mouse.move(b.x, b.y);
	await page.mouse.up();
}

/* Exactly these moments (ms), as a link gives them. */
function linkTo(from, to, base) {
	const ns = (range) => range.map((t) => t * 1e6).join('-');

	return `timeline.html#window.s=${ns([from, to])}${base ? `~${ns(base)}` : ''}`;
}

function piece(page) {
	return page.locator('.piece').innerText();
}

/* The cells of one table of the window, by its heading. */
async function windowTable(page, title) {
	return page.evaluate((t) => {
		const heading = [...document.querySelectorAll('.window-tables h4')].find(
			(h) => h.textContent === t,
		);
		let el = heading;

		while (el && !el.querySelector('table')) el = el.nextElementSibling;
		return (
			el &&
			[...el.querySelectorAll('tbody tr')].map((r) =>
				[...r.cells].map((c) => c.textContent),
			)
		);
	}, title);
}

/* What the flame graph should show of the slots from `first` to before `end`. */
function expected(first, end) {
	const sums = {};

	for (let k = first; k < end; k++) {
		sums[`f${k % 3}`] = (sums[`f${k % 3}`] || 0) + k + 1;
		if (k >= 50) sums.late = (sums.late || 0) + 1000;
	}
	return sums;
}

async function leaves(page) {
	const list = (await frames(page)).filter((f) => f.level === 2);

	return Object.fromEntries(list.map((f) => [f.label, f.weight]));
}

function colorAt(page, at, y) {
	return page.evaluate(
		([x, yy]) => {
			const canvas = document.querySelector('.lanes-panel canvas');
			const scale = devicePixelRatio;

			return [
				...canvas.getContext('2d').getImageData(x * scale, yy * scale, 1, 1)
					.data,
			].slice(0, 3);
		},
		[at, y],
	);
}

async function stateColor(page, at, y) {
	const box = await page.locator('.lanes-panel canvas').boundingBox();
	const p = await placeOf(page, at, y);

	return colorAt(page, p.x - box.x, p.y - box.y);
}

function percent(part) {
	return `${(part * 100).toFixed(part * 100 < 9.995 ? 2 : 1)}%`;
}

/* A colour of the style sheet, as the canvas has it. */
function property(page, name) {
	return page.evaluate((n) => {
		const ctx = document.createElement('canvas').getContext('2d');

		ctx.fillStyle = getComputedStyle(document.body).getPropertyValue(n);
		ctx.fillRect(0, 0, 1, 1);
		return [...ctx.getImageData(0, 0, 1, 1).data].slice(0, 3);
	}, name);
}

describe('a timeline', () => {
	test('paints each state with its colour and height, in light and dark windows', async () => {
		for (const colorScheme of ['light', 'dark'])
			await withPage(
				'timeline.html#timeline.s=0-60000000',
				{ colorScheme },
				async (page) => {
					const t = (at) => (at * END) / 60;
					const check = async (at, y, name) =>
						assert.deepEqual(
							await stateColor(page, t(at), y),
							await property(page, name),
							`${name} at ${at} ms`,
						);

					await check(11.5, SERVER - 8, '--t-running');
					await check(14.5, SERVER, '--t-waiting');
					await check(14.5, SERVER - 8, '--back');
					await check(17, SERVER + 8, '--t-sleeping');
					await check(17, SERVER, '--back');
					await check(17, CALLS + 2, '--t-call');
					await check(17, DISK, '--t-write');
					await check(12.5, DISK, '--back');
				},
				/willReadFrequently/,
			);
	});

	test('tells of a wait who had the CPU', async () => {
		await withPage('timeline.html', {}, async (page) => {
			await click(page, 14, SERVER);
			const text = await piece(page);

			assert.match(text, /^waiting for a CPU for 2\.00 ms/);
			assert.match(text, /server 11 · 13\.00 ms to 15\.00 ms/);
			assert.match(
				text,
				/Who had the CPU\n+worker 17 2\.00 ms, 100\.0% of the wait/,
			);
			await page.getByRole('button', { name: 'worker 17' }).last().click();
			assert.match(await piece(page), /^worker 17 for 2\.00 ms\n+CPU 0/);
		});
	});

	test('tells of a sleep the stack, the call, the disk and who woke it', async () => {
		await withPage('timeline.html', {}, async (page) => {
			await click(page, 17.5, SERVER + 8);
			const text = await piece(page);

			/* The function that waits is the one behind the scheduler's. */
			assert.ok(
				text.startsWith(
					'sleeping in "]]><img src=x onerror=alert(3)> for 5.00 ms',
				),
				text,
			);
			assert.match(text, /Woken by\s+<\/script><script>alert\(2\)<\/script> 13/);
			assert.match(
				text,
				/The same thread meanwhile\n+read for 5\.00 ms · server 11: syscall/,
			);
			assert.match(text, /It had asked disks for\n+write for 3\.00 ms · vda <b>/);
			assert.match(text, /Who woke it, meanwhile\n+running for 1\.00 ms/);
			assert.match(
				text,
				/Stack, innermost first\n+schedule\n+"\]\]><img src=x onerror=alert\(3\)>\n+main/,
			);
			assert.match(text, /Stack of who woke it\n+wakes\n+main/);
		});
	});

	test('says what pieces that were put together are made of', async () => {
		await withPage('timeline.html', {}, async (page) => {
			await click(page, 0.5, SHORT);
			const text = await piece(page);

			assert.match(text, /^[\d,]+ short pieces for /);
			assert.match(
				text,
				/[\d,]+ × <script>alert\(1\)<\/script>: [\d.]+ [mµ]s, the longest 700 ns/,
			);
			await click(page, 22, SHORT);
			assert.match(await piece(page), /^long for 5\.00 ms/);
		});
	});

	test('moves by keyboard and says where it is', async () => {
		await withPage('timeline.html', {}, async (page) => {
			const said = () => page.locator('.timeline .said').textContent();

			await page.locator('.lanes-panel').focus();
			await page.keyboard.press('ArrowRight');
			assert.match(
				await said(),
				/^server 11 for 3\.00 ms, 0\.00 ms to 3\.00 ms, CPU 0/,
			);
			await page.keyboard.press('ArrowRight');
			assert.match(await said(), /^worker 17 for 2\.00 ms/);
			await page.keyboard.press('ArrowDown');
			await page.keyboard.press('ArrowDown');
			assert.match(
				await said(),
				/^waiting for a CPU for 2\.00 ms, .*, server 11/,
			);
			await page.keyboard.press('End');
			assert.match(await said(), /^sleeping in .* for 5\.00 ms, 965/);
			await page.keyboard.press('Home');
			assert.match(await said(), /^running for 3\.00 ms, 0\.00 ms/);
			await page.keyboard.press('Enter');
			assert.match(
				await page.locator('.chosen').textContent(),
				/^Window: 0\.00 ms to 3\.00 ms \(3\.00 ms\)$/,
			);
			await page.keyboard.press('Escape');
			assert.ok(await page.locator('.piece').isHidden());
			await page.keyboard.press('Escape');
			assert.ok(await page.locator('.window-bar').isHidden());
			await page.keyboard.press('?');
			assert.ok(await page.locator('.timeline .help').isVisible());
		});
	});

	test('finds pieces by name and goes from one to the next', async () => {
		await withPage('timeline.html', {}, async (page) => {
			const search = page.locator('.timeline > .toolbar .search');
			const said = () => page.locator('.timeline .said').textContent();

			await search.fill('^wait');
			assert.match(
				await page.locator('.timeline > .toolbar .found').textContent(),
				new RegExp(`^${SLOTS} pieces`),
			);
			await search.press('Enter');
			assert.match(await said(), /^waiting for a CPU for 2\.00 ms, 3\.00 ms/);
			await page.locator('.lanes-panel').press('n');
			assert.match(await said(), /, 13\.00 ms/);
			await page.locator('.lanes-panel').press('N');
			assert.match(await said(), /, 3\.00 ms/);
			await search.fill('(');
			assert.match(
				await page.locator('.timeline > .toolbar .found').textContent(),
				/Not a regular expression/,
			);
			await search.fill('nothing has this');
			assert.equal(
				await page.locator('.timeline > .toolbar .found').textContent(),
				'No match',
			);
		});
	});

	test('zooms around the pointer and back', async () => {
		await withPage('timeline.html', {}, async (page) => {
			const p = await placeOf(page, 500, SERVER);

			await page.mouse.move(p.x, p.y);
			await page.keyboard.down('Control');
			for (let i = 0; i < 12; i++) await page.mouse.wheel(0, -240);
			await page.keyboard.up('Control');
			await page.waitForFunction(() => /timeline\.s=\d/.test(location.hash));
			const [, from, to] = /timeline\.s=(\d+)-(\d+)/.exec(await address(page));
			assert.ok(
				to - from < 30e6 && from < 500e6 && to > 500e6,
				`${from} to ${to}`,
			);
			await page.locator('.lanes-panel').press('0');
			assert.doesNotMatch(await address(page), /timeline\.s/);
		});
	});

	test('can be seen without the picture', async () => {
		await withPage('timeline.html', {}, async (page) => {
			assert.equal(
				await page.locator('.lanes-panel').getAttribute('role'),
				'application',
			);
			assert.match(
				await page.locator('.lanes-panel').getAttribute('aria-label'),
				/Arrow keys/,
			);
			await page.getByText('Lanes as a table').click();
			assert.equal(await page.locator('details.lanes tbody tr').count(), 7);
		});
	});

	test('is on paper without what one cannot click there', async () => {
		await withPage('timeline.html', {}, async (page) => {
			await page.emulateMedia({ media: 'print' });
			assert.ok(await page.locator('.timeline > .toolbar').isHidden());
			assert.ok(await page.locator('.lanes-panel canvas').isVisible());
		});
	});

	test('holds a hundred thousand pieces', async () => {
		await withPage('crowd.html', {}, async (page) => {
			const n = await page.evaluate(() => {
				const { lanes } = JSON.parse(
					document.querySelector('script.data').textContent,
				);

				return lanes.reduce((sum, l) => sum + l.extra.length, 0);
			});

			assert.ok(n > 100000, `${n}`);
			await page.locator('.lanes-panel').press('ArrowRight');
			assert.match(await page.locator('.timeline .said').textContent(), / for /);
		});
	});
});

describe('a window', () => {
	test('that is dragged is shown by everything below', async () => {
		await withPage('timeline.html', {}, async (page) => {
			await drag(page, 205, 300);
			const words = await page.locator('.chosen').textContent();
			const [, from, to] = /Window: ([\d.]+) ms to ([\d.]+) ms/.exec(words);

			assert.ok(Math.abs(from - 205) < 2 && Math.abs(to - 300) < 2, words);
			assert.deepEqual(
				await leaves(page),
				expected(Math.floor(from / 10), Math.ceil(to / 10)),
			);
			await page.getByRole('button', { name: 'Show everything' }).click();
			assert.deepEqual(await leaves(page), expected(0, SLOTS));
			assert.ok(await page.locator('.window-tables').isHidden());
		});
	});

	test('has tables whose numbers add up', async () => {
		await withPage(linkTo(100, 150), {}, async (page) => {
			const server = (await windowTable(page, 'What threads did')).find(
				(r) => r[0] === 'server 11',
			);

			assert.deepEqual(server, ['server 11', '15.0 ms', '10.0 ms', '25.0 ms']);
			assert.deepEqual(await windowTable(page, 'Threads on CPUs'), [
				['server 11', '5', '15.0 ms', '3.00 ms'],
				['worker 17', '5', '10.0 ms', '2.00 ms'],
			]);
			assert.deepEqual(await windowTable(page, 'Requests to disks'), [
				['write', '5', '15.0 ms', '3.00 ms'],
			]);
			assert.deepEqual(await windowTable(page, 'Events: syscall'), [
				['read', '5', '25.0 ms', '5.00 ms'],
			]);
		});
		/* A window that cuts pieces has the part that is inside. */
		await withPage(linkTo(102, 104), {}, async (page) => {
			const server = (await windowTable(page, 'What threads did')).find(
				(r) => r[0] === 'server 11',
			);

			assert.deepEqual(server.slice(1), ['1.00 ms', '1.00 ms']);
		});
	});

	test('keeps the sums of pieces that were put together', async () => {
		await withPage(linkTo(0, 970), {}, async (page) => {
			const rows = await windowTable(page, 'Events: short');

			assert.deepEqual(rows, [
				['long', '1', '5.00 ms', '5.00 ms'],
				['<script>alert(1)</script>', '1,009', '706 µs', '700 ns'],
			]);
		});
	});

	test('is shown by flame graphs and heatmaps, which say how exactly', async () => {
		await withPage(linkTo(400, 600), {}, async (page) => {
			const said = page.locator('.shown-time:not(.whole)');

			assert.deepEqual(await leaves(page), expected(40, 60));
			assert.match(
				await said.nth(0).textContent(),
				/^Shown: 400 ms to 600 ms, [\d,]+ samples\. It is known in slices of 10\.0 ms\.$/,
			);
			assert.match(
				await said.nth(1).textContent(),
				/^Shown: .* \d+ requests; Latency: half below /,
			);
			assert.ok(
				(await page.locator('#latency .veil').getAttribute('d')).length >
					10,
			);
			/* What knows only the whole says so. */
			assert.ok(
				await page
					.locator('#hot > .whole')
					.first()
					.isVisible(),
			);
		});
		await withPage('timeline.html', {}, async (page) => {
			assert.ok(await page.locator('section .whole').first().isHidden());
		});
	});

	test("is shown by the analyzers' tables, whose slices it is rounded to", async () => {
		const rows = (page) =>
			page.evaluate(() =>
				[...document.querySelectorAll('#things tbody tr')].map((r) =>
					[...r.cells]
						.slice(1)
						.map((c) =>
							[...c.childNodes]
								.map((n) => n.textContent)
								.join('\n'),
						),
				),
			);
		const sum = (thing, first, end) => {
			let n = 0;

			for (let k = first; k < end; k++) n += k % 3 === thing ? k + 1 : 0;
			return n;
		};

		await withPage(linkTo(405, 455), {}, async (page) => {
			assert.deepEqual(
				await rows(page),
				[0, 1, 2].map((i) => [
					`${sum(i, 40, 46)}`,
					`${Number((sum(i, 40, 46) / 0.06).toPrecision(4))}`,
					'1.00 µs',
					'1.00 µs',
					'–',
				]),
			);
			assert.match(
				await page.locator('#things .shown-time').textContent(),
				/^Shown: 400\.0 ms to 460\.0 ms\. .* in slices of 10\.0 ms, percentiles to 12\.5%\.$/,
			);
			/* Sorted anew by what is shown; the whole comes back as it was. */
			await page.locator('#things th button', { hasText: 'Times' }).click();
			const times = (await rows(page)).map((r) => Number(r[0]));
			assert.deepEqual(times, times.toSorted((a, b) => b - a));
			await page.getByRole('button', { name: 'Show everything' }).click();
			assert.deepEqual(
				(await rows(page)).map((r) => r[0]),
				['1,002', '1,001', '1,000'],
			);
			assert.ok(await page.locator('#things .shown-time').isHidden());
		});
		await withPage(linkTo(600, 700, [100, 200]), {}, async (page) => {
			assert.deepEqual(
				(await rows(page)).map((r) => [r[0], r[2]]),
				[0, 1, 2].map((i) => [
					`${sum(i, 60, 70)}\n${sum(i, 10, 20)}`,
					'1.00 ms\n1.00 µs',
				]),
			);
		});
	});

	test("is shown by the analyzers' histograms", async () => {
		await withPage(linkTo(0, 300), {}, async (page) => {
			const words = () =>
				page
					.locator('#took .now text:first-of-type')
					.evaluateAll((list) => list.map((e) => e.textContent));

			assert.deepEqual(
				await words(),
				Array(3).fill(
					'Time: 10 things · mean 1.00 µs · p50 1.00 µs · p90 1.00 µs · p99 1.00 µs · p99.9 1.00 µs · max 1.00 µs',
				),
			);
			assert.equal(await page.locator('#took .now .bar').count(), 3);
			assert.ok(await page.locator('#took .numbers').first().isHidden());
			/* Where the bar of the whole is that has these values. */
			const [left, right] = await page.evaluate(() => {
				const of = (s) =>
					document.querySelector(s).getBoundingClientRect();
				const now = of('#took .now .bar');
				const all = of('#took .series > .bar');

				return [now.left - all.left, now.right - all.right];
			});
			assert.ok(left <= 0.5 && right >= -1.5, `${left} ${right}`);
			await page.getByRole('button', { name: 'Show everything' }).click();
			assert.equal(await page.locator('#took .now').count(), 0);
			assert.ok(await page.locator('#took .numbers').first().isVisible());
		});
	});

	test('is compared with another, in colours and words', async () => {
		await withPage(linkTo(600, 700, [200, 300]), {}, async (page) => {
			const a = expected(20, 30);
			const b = expected(60, 70);
			const sum = (s) => Object.values(s).reduce((x, y) => x + y, 0);

			assert.deepEqual(await leaves(page), b);
			for (const f of (await frames(page)).filter((x) => x.level === 2)) {
				const change = b[f.label] / sum(b) - (a[f.label] || 0) / sum(a);
				const step = Number(/\bd(\d)\b/.exec(f.classes)[1]);

				assert.equal(Math.sign(step - 3), Math.sign(change), f.spoken);
				assert.match(
					f.spoken,
					new RegExp(
						`${change < 0 ? '−' : '\\+'}${percent(Math.abs(change))} of the whole`,
					),
				);
			}
			assert.match(
				await page.locator('.chosen').textContent(),
				/^B: .* compared with A: /,
			);
			const threads = await windowTable(page, 'Threads on CPUs');
			assert.deepEqual(threads[0], [
				'server 11',
				'10',
				'30.0 ms',
				'3.00 ms',
				'10',
				'30.0 ms',
			]);
			await page.getByRole('button', { name: 'Swap' }).click();
			assert.deepEqual(await leaves(page), a);
			assert.match(
				await page.locator('.shown-time').first().textContent(),
				/is in frames that B does not have/,
			);
		});
	});

	test('is chosen in a heatmap of seconds, too, and the one to compare it with', async () => {
		await withPage('timeline.html', {}, async (page) => {
			const map = page.locator('#offsets .drawing');
			const chosen = () => page.locator('.chosen').textContent();
			const select = async (from, to) => {
				await map.focus();
				await page.keyboard.press('PageDown');
				await page.keyboard.press('PageDown');
				for (let i = 0; i < from; i++) await page.keyboard.press('ArrowUp');
				await page.keyboard.press('Enter');
				for (let i = from; i < to; i++) await page.keyboard.press('ArrowUp');
				await page.keyboard.press('Enter');
			};
			const button = page.getByRole('button', {
				name: 'Make the selection the window',
			});

			assert.ok(await button.isDisabled());
			await select(10, 14);
			await button.click();
			assert.match(await chosen(), /^Window: 200 ms to 300 ms/);
			assert.deepEqual(await leaves(page), expected(20, 30));
			await page.getByRole('button', { name: 'Compare with another' }).click();
			await select(30, 34);
			assert.match(
				await chosen(),
				/^B: 600 ms to 700 ms .*compared with A: 200 ms to 300 ms/,
			);
			assert.deepEqual(await leaves(page), expected(60, 70));
		});
	});

	test('opens where a finding can be seen', async () => {
		await withPage('timeline.html', {}, async (page) => {
			await page.getByRole('link', { name: 'Show when' }).click();
			await page.waitForFunction(() =>
				document.body.classList.contains('windowed'),
			);
			assert.match(
				await page.locator('.chosen').textContent(),
				/^Window: 305\.00 ms to 310\.00 ms/,
			);
			assert.match(await address(page), /timeline\.s=302500000-312500000/);
			assert.deepEqual(await windowTable(page, 'Events: syscall'), [
				['read', '1', '5.00 ms', '5.00 ms'],
			]);
			await page.goBack();
			await page.waitForFunction(
				() => !document.body.classList.contains('windowed'),
			);
		});
	});

	test('and the place in the timeline come back with the address', async () => {
		let link;

		await withPage('timeline.html', {}, async (page) => {
			await drag(page, 205, 300);
			await page.locator('.lanes-panel').press('z');
			await page.keyboard.press('ArrowRight');
			await page.keyboard.press('ArrowRight');
			link = (await address(page)).replace(addressOf('timeline.html'), '');
		});
		await withPage(`timeline.html${link}`, {}, async (page) => {
			assert.equal(
				(await address(page)).replace(addressOf('timeline.html'), ''),
				link,
			);
			assert.match(await page.locator('.chosen').textContent(), /^Window: 20\d/);
			assert.ok(await page.locator('.piece').isVisible());
			await page.goto(
				addressOf('timeline.html#window.s=nonsense~-5-&timeline.s=9999.1'),
			);
			await page.reload();
			assert.ok(await page.locator('.window-bar').isHidden());
		});
	});
});

describe('a page', () => {
	test('reads the numbers of a part when it comes into sight', async () => {
		const small = { late: true, viewport: { width: 1280, height: 240 } };

		await withPage('timeline.html', small, async (page) => {
			await page.locator('.lanes-panel').waitFor();
			const heat = page.locator('#latency');
			assert.equal(await heat.locator('.hint-below').count(), 0);
			await heat.scrollIntoViewIfNeeded();
			await heat.locator('.hint-below').waitFor();
			await page.locator('#hot').scrollIntoViewIfNeeded();
			await page.locator('#hot th button').first().waitFor();
		});
	});

	test('reads no numbers for a key that scrolls', async () => {
		const small = { late: true, viewport: { width: 1280, height: 120 } };

		await withPage('timeline.html', small, async (page) => {
			const made = () => page.locator('.flame .panel').count();

			await page.locator('.lanes-panel').waitFor();
			/* None of them leaves the page's top. */
			for (const key of ['ArrowUp', 'Home', 'PageUp', 'a', 'Escape', 'Control+c'])
				await page.keyboard.press(key);
			assert.equal(await made(), 0);
			await page.keyboard.press('/');
			assert.ok((await made()) > 0);
			assert.equal(
				await page.evaluate(() => document.activeElement.className),
				'search',
			);
		});
	});

	test('shows a window in parts that are made later', async () => {
		await withPage(linkTo(400, 600), { late: true }, async (page) => {
			await page.locator('#cpu').scrollIntoViewIfNeeded();
			await page.locator('#cpu .f').first().waitFor();
			assert.deepEqual(await leaves(page), expected(40, 60));
		});
	});

	test('is whole on paper', async () => {
		await withPage('timeline.html', { late: true }, async (page) => {
			await page.emulateMedia({ media: 'print' });
			await page.locator('#cpu .f').first().waitFor();
			assert.equal(await page.locator('.waiting').count(), 0);
			assert.deepEqual(await leaves(page), expected(0, SLOTS));
		});
	});

	test('says first what was recorded, then what was found', async () => {
		await withPage('timeline.html', {}, async (page) => {
			const top = (selector) =>
				page.locator(selector).evaluate((e) => e.getBoundingClientRect().top);

			assert.match(await page.locator('.overview').innerText(), /what\s+17 events/);
			assert.ok((await top('.overview')) < (await top('.findings')));
			assert.ok((await top('.findings')) < 800);
		});
	});
});

describe('a table', () => {
	test('shows the rows that have the words', async () => {
		await withPage(linkTo(0, 970), {}, async (page) => {
			const table = page
				.locator('section table')
				.filter({ has: page.locator('tbody tr:nth-child(8)') })
				.last();
			const all = await table.locator('tbody tr').count();
			const filter = page.locator('.filter').last();

			await filter.fill('SCRIPT alert');
			const shown = await table.locator('tbody tr:visible').count();
			assert.ok(shown > 0 && shown < all);
			for (const text of await table
				.locator('tbody tr:visible')
				.allTextContents())
				assert.match(text.toLowerCase(), /script.*alert|alert.*script/);
			await filter.fill('');
			assert.equal(await table.locator('tbody tr:visible').count(), all);
		});
	});
});

/* ---- as it looks ---- */

const SHOTS = new URL('shots.json', import.meta.url);

/* The picture in blocks of mean colour. */
function blocks(page) {
	return page.evaluate(() => {
		const small = document.createElement('canvas');
		const ctx = small.getContext('2d', { willReadFrequently: true });

		small.width = 48;
		small.height = 12;
		ctx.imageSmoothingQuality = 'high';
		/* Without the labels, whose fonts differ from machine to machine. */
		const from = document.querySelector('.lanes-panel canvas');
		const scale = devicePixelRatio;
		ctx.drawImage(
			from,
			212 * scale,
			24 * scale,
			from.width - 212 * scale,
			from.height - 24 * scale,
			0,
			0,
			48,
			12,
		);
		return [...ctx.getImageData(0, 0, 48, 12).data].filter((_, i) => i % 4 !== 3);
	});
}

/* How different colours look, about: the weighted distance of Thiadmer Riemersma ("Colour metric"). */
function difference(a, b, i) {
	const red = (a[i] + b[i]) / 2;
	const [r, g, bl] = [0, 1, 2].map((k) => (a[i + k] - b[i + k]) ** 2);

	return Math.sqrt((2 + red / 256) * r + 4 * g + (2 + (255 - red) / 256) * bl);
}

describe('a timeline looks as it did', () => {
	for (const [name, file, options] of [
		['all of it', 'timeline.html', {}],
		[
			'zoomed, with a window',
			'timeline.html#timeline.s=0-80000000&window.s=20000000-50000000',
			{},
		],
		['in the dark', 'timeline.html#timeline.s=0-80000000', { colorScheme: 'dark' }],
	])
		test(name, async () => {
			await withPage(file, options, async (page) => {
				const now = await blocks(page);
				const shots = JSON.parse(readFileSync(SHOTS, 'utf8'));

				if (process.env.NEW_SHOTS) {
					shots[name] = now
						.map((v) => v.toString(16).padStart(2, '0'))
						.join('');
					writeFileSync(
						SHOTS,
						`${JSON.stringify(shots, null, '\t')}\n`,
					);
				}
				const was = shots[name].match(/../g).map((h) => parseInt(h, 16));
				const list = [];
				for (let i = 0; i < now.length; i += 3)
					list.push(difference(now, was, i));
				const mean = list.reduce((x, y) => x + y, 0) / list.length;
				assert.ok(
					mean < 6 && Math.max(...list) < 120,
					`mean ${mean}, most ${Math.max(...list)}`,
				);
			});
		});
});
