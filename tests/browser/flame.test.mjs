/* The live flame graph, in an SVG and in an HTML report, as a person uses it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import {
	address,
	addressOf,
	add,
	clickFrame,
	frame,
	frames,
	matchedWeight,
	panelWidth,
	PAGES,
	readTruth,
	snapshot,
	startBrowser,
	stopBrowser,
	withPage,
} from './browser.mjs';

before(startBrowser);
after(stopBrowser);

/* The frame beneath. Places are rounded to pixels. */
function parentOf(list, f) {
	return list.find(
		(p) =>
			p.level === f.level - 1 &&
			p.x <= f.x + 0.6 &&
			p.x + p.width >= f.x + f.width - 0.6,
	);
}

/* Paths as in folded stacks, from places alone. */
function paths(list) {
	const path = new Map();

	for (const f of list.slice().sort((a, b) => a.level - b.level)) {
		const parent = parentOf(list, f);

		path.set(
			f,
			parent && parent.level > 1 ? `${path.get(parent)};${f.label}` : f.label,
		);
	}
	return path;
}

function percent(part, whole) {
	const p = (part / whole) * 100;

	return `${p.toFixed(p < 9.995 ? 2 : 1)}%`;
}

async function search(page, text) {
	await page.locator('.search').first().fill(text);
	return page.locator('.found').first().textContent();
}

function flameTests(kind) {
	const small = `small.${kind}`;

	test('shows each frame above its caller, as wide as its share', async () => {
		const truth = readTruth('small');

		await withPage(small, {}, async (page) => {
			const list = await frames(page);
			const width = await panelWidth(page);
			const of = paths(list);

			assert.equal(list.length, truth.paths.size + 1);
			for (const f of list.filter((g) => g.level > 1)) {
				const total = truth.paths.get(of.get(f));

				assert.equal(f.weight, total, `weight of ${of.get(f)}`);
				assert.ok(
					Math.abs(f.width + 1 - (total / truth.total) * width) <=
						1.5,
					`width of ${of.get(f)}`,
				);
			}
			const root = list.find((f) => f.level === 1);
			assert.equal(root.weight, truth.total);
			assert.ok(
				list.every((f) => f.level === 1 || f.y < root.y),
				'root is lowest',
			);
		});
	});

	test('fills the window as it changes, with the root in sight', async () => {
		await withPage(`big.${kind}`, {}, async (page) => {
			for (const [width, height] of [
				[900, 400],
				[500, 300],
				[1400, 900],
			]) {
				await page.setViewportSize({ width, height });
				let root, wanted;
				for (let i = 0; i < 30; i++) {
					await page.waitForTimeout(200); // drawn anew a moment later
					root = (await frames(page)).find((f) => f.level === 1);
					wanted = (await panelWidth(page)) - 1;
					if (root.width === wanted) break;
				}
				const panel = await page.locator('.panel').boundingBox();
				assert.equal(root.width, wanted);
				assert.ok(Math.abs(root.y + 18 - (panel.y + panel.height)) <= 3);
			}
		});
	});

	test('orders siblings by name', async () => {
		await withPage(small, {}, async (page) => {
			const list = (await frames(page)).slice().sort((a, b) => a.x - b.x);
			const siblings = list
				.filter(
					(f) =>
						f.level === 4 &&
						f.y &&
						f.x >= list.find((g) => g.label === 'main').x,
				)
				.map((f) => f.label);

			assert.deepEqual(siblings, ['compute', 'memcpy', 'read_all', 'write_all']);
		});
	});

	test('zooms on a click, and out again on a frame below', async () => {
		await withPage(small, {}, async (page) => {
			const width = await panelWidth(page);

			await clickFrame(page, 'read_all');
			assert.equal((await frame(page, 'read_all')).width, width - 1);
			assert.match((await frame(page, 'main')).classes, /past/);
			assert.equal((await frame(page, 'main')).width, width - 1);
			assert.equal(await frame(page, 'compute'), undefined);
			const read = await frame(page, 'read');
			assert.ok(Math.abs(read.width + 1 - (31 / 44) * width) <= 1.5);
			assert.match(await address(page), /#z=/);
			await clickFrame(page, 'all');
			assert.ok((await frame(page, 'compute')).width > 100);
			assert.equal(await address(page), addressOf(small));
		});
	});

	test('keeps a clicked frame where it was', async () => {
		await withPage(
			`big.${kind}`,
			{ viewport: { width: 1280, height: 420 } },
			async (page) => {
				const widest = async (level) =>
					(await frames(page))
						.filter((f) => f.level === level)
						.slice().sort((a, b) => b.width - a.width)[0];
				const target = await widest(4);

				await clickFrame(page, target.label);
				const now = await widest(4);
				assert.equal(now.label, target.label);
				assert.ok(now.width > target.width);
				assert.equal(now.y, target.y);
			},
		);
	});

	test('keeps its distance to the root when the window shrinks and grows', async () => {
		await withPage(
			`big.${kind}`,
			{ viewport: { width: 1280, height: 700 } },
			async (page) => {
				const fromBottom = () =>
					page.evaluate(() => {
						const panel = document.querySelector('.panel');
						return panel.scrollHeight - panel.scrollTop - panel.clientHeight;
					});

				for (const height of [700, 400, 2000, 500, 700]) {
					await page.setViewportSize({ width: 1280, height });
					await page.waitForFunction((h) => innerHeight === h, height);
					await page.waitForTimeout(100);
					assert.equal(await fromBottom(), 0, `at ${height}`);
				}
			},
		);
	});

	test('resets by button, Escape and 0', async () => {
		await withPage(small, {}, async (page) => {
			const before = await snapshot(page);

			for (const reset of [
				() => page.getByRole('button', { name: 'Reset zoom' }).click(),
				() => page.keyboard.press('Escape'),
				() => page.keyboard.press('0'),
			]) {
				await clickFrame(page, 'compute');
				assert.equal(await frame(page, 'memcpy'), undefined);
				await reset();
				await page.mouse.move(0, 0);
				const now = await snapshot(page);
				assert.deepEqual(
					now.frames.map((f) => f[2]),
					before.frames.map((f) => f[2]),
				);
			}
			assert.ok(
				await page.getByRole('button', { name: 'Reset zoom' }).isDisabled(),
			);
		});
	});

	test('says how much a search matched, each stack once', async () => {
		const truth = readTruth('small');

		await withPage(small, {}, async (page) => {
			for (const text of [
				'memcpy',
				'main|memcpy',
				'^read',
				'x86|node',
				'.',
				'libc',
			]) {
				const modules =
					text === 'libc'
						? /memcpy|^read$|^write$/
						: new RegExp(text, 'i');
				const n = matchedWeight(truth, modules);

				assert.equal(
					await search(page, text),
					`${percent(n, truth.total)} matched ` + `(${n} samples)`,
					text,
				);
			}
			await search(page, 'memcpy');
			const hits = (await frames(page)).filter((f) => / hit/.test(f.classes));
			assert.deepEqual(
				hits.map((f) => f.label),
				['memcpy', 'memcpy', 'memcpy'],
			);
			assert.equal(await search(page, 'MEMCPY'), 'No match');
			assert.match(await search(page, '\\SEMCPY'), /^No match$/);
			assert.match(await search(page, '^\\Semcpy'), /31 samples/);
			assert.equal(await search(page, 'nothing like it'), 'No match');
			assert.equal(await search(page, ''), '');
			assert.equal(
				(await frames(page)).filter((f) => / hit/.test(f.classes)).length,
				0,
			);
		});
	});

	test('says what is wrong with a regular expression', async () => {
		await withPage(small, {}, async (page) => {
			for (const bad of ['(', '[', '*', 'a{2,1}', '\\']) {
				assert.match(
					await search(page, bad),
					/^Not a regular expression: ./,
				);
				assert.equal(
					await page.locator('.search').getAttribute('aria-invalid'),
					'true',
				);
			}
			assert.match(await search(page, '(read|write)_all'), /matched/);
			assert.equal(
				await page.locator('.search').getAttribute('aria-invalid'),
				'false',
			);
		});
	});

	test('turns upside down', async () => {
		await withPage(small, {}, async (page) => {
			await page.getByRole('button', { name: 'Inverted' }).click();
			const list = await frames(page);
			const root = list.find((f) => f.level === 1);
			assert.ok(list.every((f) => f.level === 1 || f.y > root.y));
			await page.keyboard.press('i');
			const again = await frames(page);
			assert.ok(
				again.every(
					(f) =>
						f.level === 1 ||
						f.y < again.find((g) => g.level === 1).y,
				),
			);
		});
	});

	test('merges by leaf with the right totals', async () => {
		const truth = readTruth('small');

		await withPage(small, {}, async (page) => {
			await page.getByRole('button', { name: 'By leaf' }).click();
			const list = await frames(page);
			const of = paths(list);
			const expected = new Map();
			for (const [stack, weight] of truth.stacks)
				for (let n = 1, up = stack.slice().reverse(); n <= up.length; n++)
					add(expected, up.slice(0, n).join(';'), weight);
			assert.equal(list.length, expected.size + 1);
			for (const f of list.filter((g) => g.level > 1))
				assert.equal(f.weight, expected.get(of.get(f)), of.get(f));
			await page.keyboard.press('m');
			assert.equal((await frames(page)).length, truth.paths.size + 1);
		});
	});

	test('merges a tree that was cut by leaf, and still knows all totals', async () => {
		const truth = readTruth('huge');

		await withPage(`huge.${kind}`, {}, async (page) => {
			await page.keyboard.press('m');
			/* Frames of one name in several modules or of several kinds are one in the
			 * folded stacks. */
			const shown = await page.evaluate(() => {
				const tree = new FlameTree(
					JSON.parse(
						document.querySelector('script.data').textContent,
					),
				);
				return {
					total: tree.byLeaf().total,
					sum:
						tree
							.byLeaf()
							.kids.reduce((sum, k) => sum + k.total, 0) +
						tree.byLeaf().self,
					leaves: tree
						.byLeaf()
						.kids.map((k) => [tree.label(k), k.total]),
				};
			});
			const leaves = new Map();
			for (const [label, total] of shown.leaves) add(leaves, label, total);
			assert.equal(shown.total, truth.total);
			assert.equal(shown.sum, truth.total);
			assert.deepEqual([...leaves].slice().sort(), [...truth.leaves].slice().sort());
			assert.match(
				await page.locator('.note.info').textContent(),
				/^Shows the 30,000 heaviest of 300,00\d frames\./,
			);
			const drawn = (await frames(page))
				.filter((f) => f.level === 2)
				.reduce((sum, f) => sum + f.weight, 0);
			assert.equal(drawn, truth.total);
		});
	});

	test('sums up on each level, small frames included', async () => {
		await withPage(
			`huge.${kind}`,
			{ viewport: { width: 700, height: 3000 } },
			async (page) => {
				const list = await frames(page);
				const children = new Map();

				for (const f of list) {
					const parent = parentOf(list, f);

					if (parent) add(children, parent, f.weight);
				}
				for (const [parent, sum] of children)
					assert.ok(
						sum <= parent.weight,
						`${parent.spoken}: its children weigh ${sum}`,
					);
				assert.ok(list.some((f) => /^\d+ small frames$/.test(f.label)));
			},
		);
	});

	test('comes back from a link, a reload and the Back button', async () => {
		await withPage(small, {}, async (page, context) => {
			await page.keyboard.press('i');
			await search(page, 'mem|(read)');
			await clickFrame(page, 'read_all');
			await page.mouse.move(0, 0);
			await page.waitForTimeout(250);
			const link = await address(page);
			const shown = await snapshot(page);
			assert.match(link, /#v=icicle&q=mem%7C%28read%29&z=3:/);
			const other = await context.newPage();
			await other.goto(link);
			assert.deepEqual((await snapshot(other)).found, shown.found);
			assert.deepEqual(
				(await snapshot(other)).frames.map((f) =>
					f.filter((v, i) => i !== 1),
				),
				shown.frames.map((f) => f.filter((v, i) => i !== 1)),
			);
			assert.deepEqual((await snapshot(other)).pressed, ['Inverted']);
			await page.reload();
			assert.deepEqual((await snapshot(page)).found, shown.found);
			await other.evaluate(() => location.assign('#v=leaf&z=2:14'));
			await other.waitForTimeout(100);
			assert.deepEqual((await snapshot(other)).pressed, ['By leaf']);
			await other.goBack();
			await other.waitForTimeout(100);
			assert.deepEqual((await snapshot(other)).pressed, ['Inverted']);
			await other.close();
		});
	});

	test('undoes a zoom with the Back button', async () => {
		await withPage(small, {}, async (page) => {
			await clickFrame(page, 'main');
			await clickFrame(page, 'read_all');
			await page.goBack();
			await page.waitForTimeout(100);
			assert.equal(
				(await frame(page, 'main')).width,
				(await panelWidth(page)) - 1,
			);
			assert.ok((await frame(page, 'compute')).width > 100);
			await page.goBack();
			await page.waitForTimeout(100);
			assert.ok((await frame(page, 'node')).width > 10);
		});
	});

	test('survives links that lead nowhere', async () => {
		for (const link of [
			'z=99:1.2.3',
			'z=1:77',
			'z=0:~~',
			'z=1:~9999999',
			'q=%28',
			'z=abc:def',
			'v=upside-down',
			'z=-1:0',
			'z=2:11.5~0',
			'=',
			'%%%=1',
			'z=1e9:',
		])
			await withPage(`${small}#${link}`, {}, async (page) => {
				assert.ok((await frames(page)).length > 0, link);
			});
	});

	test('follows the dark theme, and text is readable in both', async () => {
		const backs = [];

		for (const colorScheme of ['light', 'dark']) {
			await withPage(`palette.${kind}`, { colorScheme }, async (page) => {
				const colors = await page.evaluate(() => {
					const of = (el) => [
						getComputedStyle(el).color,
						getComputedStyle(el).backgroundColor,
					];
					return {
						page: of(document.querySelector('.page')),
						frames: [...document.querySelectorAll('.f')].map(
							of,
						),
					};
				});
				const kinds = new Set(colors.frames.map((c) => c[1]));
				backs.push(colors.page[1]);
				assert.ok(kinds.size > 30, 'all shades are there');
				assert.ok(contrast(...colors.page) >= 7);
				for (const c of colors.frames)
					assert.ok(
						contrast(...c) >= 4.5,
						`${c} has ${contrast(...c)}`,
					);
				await search(page, '.');
				const hit = await page.evaluate(() => {
					const s = getComputedStyle(
						document.querySelector('.f.hit'),
					);
					return [s.color, s.backgroundColor];
				});
				assert.ok(contrast(...hit) >= 4.5);
			});
		}
		assert.notEqual(backs[0], backs[1]);
		await withPage(small, { colorScheme: 'light' }, async (page) => {
			const back = () =>
				page.evaluate(
					() =>
						getComputedStyle(
							document.querySelector('.f.c6, .f.c8, .f'),
						).backgroundColor,
				);
			const light = await back();
			await page.emulateMedia({ colorScheme: 'dark' });
			assert.notEqual(await back(), light);
		});
	});

	test('does everything from the keyboard', async () => {
		await withPage(small, {}, async (page) => {
			const selected = () =>
				page.evaluate(() => {
					const el = document.querySelector('[aria-selected=true]');
					const active = document
						.querySelector('.panel')
						.getAttribute('aria-activedescendant');

					return (
						el &&
						el.id === active &&
						el.getAttribute('aria-label').split(',')[0]
					);
				});
			const press = async (...keys) => {
				for (const key of keys) await page.keyboard.press(key);
			};

			await page.locator('.panel').focus();
			await press('ArrowUp');
			assert.equal(await selected(), 'all');
			await press('ArrowUp', 'ArrowUp');
			assert.equal(await selected(), 'main');
			await press('ArrowUp');
			assert.equal(await selected(), 'compute');
			await press('ArrowRight');
			assert.equal(await selected(), 'memcpy');
			await press('ArrowRight');
			assert.equal(await selected(), 'read_all');
			assert.ok(await page.locator('.tip').isVisible());
			assert.match(await page.locator('.tip').textContent(), /44 samples/);
			await press('Enter');
			assert.equal(
				(await frame(page, 'read_all')).width,
				(await panelWidth(page)) - 1,
			);
			await press('Backspace');
			assert.equal(
				(await frame(page, 'main')).width,
				(await panelWidth(page)) - 1,
			);
			await press('ArrowLeft', 'ArrowLeft', 'ArrowDown');
			assert.equal(await selected(), 'main');
			await press('ArrowDown');
			assert.equal(await selected(), 'server');
			await press('Escape');
			assert.ok(await frame(page, 'node'));
			await press('i');
			assert.deepEqual((await snapshot(page)).pressed, ['Inverted']);
			await press('m');
			assert.deepEqual((await snapshot(page)).pressed, ['Inverted', 'By leaf']);
			await press('?');
			assert.ok(await page.locator('.help').isVisible());
			await press('Escape');
			assert.equal(await page.locator('.help').count(), 0);
			await press('/');
			await page.keyboard.type('mem?i');
			assert.equal((await snapshot(page)).search[0], 'mem?i');
			await press('Escape');
			assert.equal((await snapshot(page)).search[0], '');
			await press('Control+f');
			await page.keyboard.type('read');
			assert.equal((await snapshot(page)).search[0], 'read');
			await press('Enter', 'Escape');
			assert.equal((await snapshot(page)).search[0], '');
		});
	});

	test('tells about a frame on hover', async () => {
		await withPage(small, {}, async (page) => {
			const f = await frame(page, 'read');

			await page.mouse.move(f.x + 5, f.y + 5);
			const text = await page.locator('.tip').innerText();
			assert.match(text, /^read\n/);
			assert.match(text, /user · libc\.so\.6/);
			assert.match(text, /31 samples/);
			assert.match(text, /12\.3%\s+of all/);
			assert.match(text, /70\.5%\s+of its parent/);
			const main = await frame(page, 'compute');
			await page.mouse.move(main.x + 5, main.y + 5);
			assert.match(
				await page.locator('.tip').innerText(),
				/20\.9%\s+itself \(53 samples\)/,
			);
			await page.mouse.move(2, 2);
			assert.ok(await page.locator('.tip').isHidden());
		});
	});

	test('works with a finger', async () => {
		const phone = {
			hasTouch: true,
			isMobile: kind === 'html',
			viewport: { width: 400, height: 740 },
		};

		await withPage(small, phone, async (page, context) => {
			const cdp = await context.newCDPSession(page);
			const touch = (type, f) =>
				cdp.send('Input.dispatchTouchEvent', {
					type,
					touchPoints: f
						? [{ x: f.x + f.width / 2, y: f.y + 8 }]
						: [],
				});
			const compute = await frame(page, 'compute');

			await page.touchscreen.tap(compute.x + 20, compute.y + 8);
			assert.equal(
				(await frame(page, 'compute')).width,
				(await panelWidth(page)) - 1,
			);
			assert.ok(await page.locator('.tip').isHidden());
			await page.getByRole('button', { name: 'Reset zoom' }).tap();
			const again = await frame(page, 'read_all');
			await touch('touchStart', again);
			await page.locator('.tip').waitFor({ state: 'visible' });
			assert.match(
				await page.locator('.tip').innerText(),
				/^read_all\n[^]*44 samples/,
			);
			await touch('touchEnd');
			assert.ok(
				(await frame(page, 'compute')).width > 50,
				'a long press does not zoom',
			);
			const { scroll, inner } = await page.evaluate(() => ({
				scroll: document.querySelector('.page').scrollWidth,
				inner: innerWidth,
			}));
			assert.ok(scroll <= inner, 'nothing to scroll sideways');
		});
	});

	test('shows hostile names as they are, and runs none of them', async () => {
		await withPage(
			`hostile.${kind}`,
			{ viewport: { width: 9000, height: 800 } },
			async (page) => {
				const shown = (await frames(page))
					.filter((f) => f.level === 3)
					.map((f) => f.text);

				for (const name of [
					'<script>alert(1)</script>',
					'</script><script>alert(2)</script>',
					'"]]><img src=x onerror=alert(3)>',
					']]></script><svg onload=alert(4)>',
					'<!--<script>',
					'&lt;b&gt;bold&amp;',
					"' onmouseover='alert(5)",
					'" onmouseover="alert(6)',
					'\\x1b[31mred\\x1b[0m',
					'not utf-8: \\xff\\xfe\\xc3(',
					'surrogate \\xed\\xa0\\x80',
					'noncharacter \\xef\\xbf\\xbe',
					'rtl \\xe2\\x80\\xaegnp.exe',
					'line\\x0abreak\\x0d\\x09tab',
					'back\\slash \\u003c',
					'a;b;c',
					'日本語の関数',
					'😀 emoji',
					'(no name)',
					'__proto__',
					'constructor',
				])
					assert.ok(
						shown.includes(name),
						`${name} is not among ${shown.join(' | ')}`,
					);
				for (const f of (await frames(page))
					.slice(0, 60)
					.filter((g) => g.level === 3)) {
					await page.mouse.move(f.x + 5, f.y + 5);
					assert.equal(
						await page.locator('.tip .name').textContent(),
						f.text,
					);
				}
				const elements = await page.evaluate(() => ({
					images: document.querySelectorAll(
						'img, b, iframe, object, a[href]',
					).length,
					svgs: document.querySelectorAll('svg').length,
					scripts: [...document.scripts].length,
					handlers: [...document.querySelectorAll('*')].filter((el) =>
						el
							.getAttributeNames()
							.some((a) => a.startsWith('on')),
					).length,
					title: document.querySelector('h1').textContent,
				}));
				const plain = await scriptsOf(small);
				assert.deepEqual(elements, {
					images: 0,
					svgs: kind === 'svg' ? 1 : 0,
					scripts: plain,
					handlers: 0,
					title: '<script>alert(0)</script> & "friends" ]]>',
				});
				await search(page, '<script>');
				await page.keyboard.press('m');
				await page.keyboard.press('i');
			},
		);
	});

	test('says that there is nothing to draw', async () => {
		await withPage(`empty.${kind}`, {}, async (page) => {
			assert.match(
				await page.locator('.empty').innerText(),
				/^There is nothing to draw/,
			);
			for (const key of ['i', 'm', '/', '?', '0', 'Escape', 'Enter', 'ArrowUp'])
				await page.keyboard.press(key);
		});
	});

	test('looks inside small frames', async () => {
		await withPage(`flat.${kind}`, {}, async (page) => {
			const group = (await frames(page)).find((f) => f.level === 2);

			assert.equal(group.label, '20,000 small frames');
			/* 20,000 threads in 1,200 pixels: a few groups deep, each one can be seen. */
			for (let depth = 2; depth < 20; depth++) {
				const next = (await frames(page))
					.filter((f) => f.level === depth)
					.slice().sort((a, b) => a.x - b.x)[0];

				if (!/small frame/.test(next.spoken)) break;
				await page.mouse.click(next.x + next.width / 2, next.y + 8);
			}
			const threads = (await frames(page)).filter((f) =>
				/^thread_\d{5}$/.test(f.label),
			);
			assert.ok(threads.length > 0, await address(page));
			await page.mouse.click(threads[0].x + 1, threads[0].y + 8);
			assert.match(await address(page), /z=1:\d+$/);
			const width = await panelWidth(page);
			assert.equal((await frame(page, threads[0].label)).width, width - 1);
			await page.reload();
			assert.equal((await frame(page, threads[0].label)).width, width - 1);
		});
	});

	test('scrolls through a stack of 5,000 frames', async () => {
		await withPage(`deep.${kind}`, {}, async (page) => {
			assert.ok((await frames(page)).length < 300, 'draws what can be seen only');
			assert.ok((await frames(page)).some((f) => f.label === 'all'));
			await page.evaluate(() => {
				document.querySelector('.panel').scrollTop = 0;
			});
			await page.waitForTimeout(200);
			const top = (await frames(page)).slice().sort((a, b) => b.level - a.level)[0];
			assert.equal(top.level, 5001);
			await clickFrame(page, top.label);
			const link = await address(page);
			await page.goto('about:blank');
			await page.goto(link);
			assert.ok((await frames(page)).some((f) => f.level === 5001));
			await page.keyboard.press('m');
			assert.ok((await frames(page)).some((f) => f.label === top.label));
		});
	});

	test('stays quick with 30,000 frames', async () => {
		await withPage(
			`big.${kind}`,
			{ viewport: { width: 1600, height: 1000 } },
			async (page) => {
				const ms = await page.evaluate(() => {
					const widest = [...document.querySelectorAll('.f')]
						.filter(
							(el) =>
								el.getAttribute('aria-level') ===
								'3',
						)
						.sort((a, b) => b.offsetWidth - a.offsetWidth)[0];
					const start = performance.now();

					widest.click();
					document.querySelector('.f').getBoundingClientRect();
					return performance.now() - start;
				});
				/* A hundredth of this is usual; a slow machine must not fail. */
				assert.ok(ms < 5000, `${ms} ms`);
			},
		);
	});

	test('moves only for those who do not mind', async () => {
		for (const reducedMotion of ['reduce', 'no-preference']) {
			await withPage(small, { reducedMotion }, async (page) => {
				const moves = await page.evaluate(() => {
					[...document.querySelectorAll('.f')]
						.find((el) => el.textContent === 'compute')
						.click();
					return document.querySelector('.frames').getAnimations()
						.length;
				});

				assert.equal(moves, reducedMotion === 'reduce' ? 0 : 1);
			});
		}
	});

	test('shows a ring around what has the focus', async () => {
		await withPage(small, {}, async (page) => {
			for (let i = 0; i < 5; i++) {
				await page.keyboard.press('Tab');
				const outline = await page.evaluate(
					() => getComputedStyle(document.activeElement).outlineStyle,
				);
				assert.equal(outline, 'solid');
			}
			assert.equal(
				await page.evaluate(() =>
					document.activeElement.getAttribute('role'),
				),
				'tree',
			);
		});
	});
}

for (const kind of ['svg', 'html']) describe(`a flame graph in ${kind}`, () => flameTests(kind));

async function scriptsOf(file) {
	let n;

	await withPage(file, {}, async (page) => {
		n = await page.evaluate(() => document.scripts.length);
	});
	return n;
}

/* WCAG 2: (lighter + 0.05) / (darker + 0.05) of relative luminances. */
function contrast(a, b) {
	const luminance = (color) => {
		const [r, g, b] = color
			.match(/[\d.]+/g)
			.slice(0, 3)
			.map((v) => v / 255)
			.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));

		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);

	return (high + 0.05) / (low + 0.05);
}

describe('a drawn picture', () => {
	test('is there without scripts', async () => {
		await withPage('small.svg', { javaScriptEnabled: false }, async (page) => {
			const texts = await page.locator('#still text').allTextContents();

			for (const text of [
				'CPU samples',
				'compute',
				'memcpy',
				'copy_to_user',
				'kernel',
			])
				assert.ok(texts.includes(text), text);
			assert.equal(await page.locator('foreignObject').count(), 0);
		});
	});

	test('is what an <img> shows', async () => {
		writeFileSync(`${PAGES}/img.html`, '<!DOCTYPE html><img src="small.svg">');
		await withPage('small.svg', {}, async (page, context) => {
			const other = await context.newPage();

			await other.goto(addressOf('img.html'));
			assert.equal(
				await other.evaluate(() => document.images[0].naturalWidth),
				1200,
			);
			await other.close();
		});
	});

	test('gives way to the live one', async () => {
		await withPage('small.svg', {}, async (page) => {
			assert.equal(await page.locator('#still').count(), 0);
			assert.equal(await page.locator('.flame').count(), 1);
		});
	});
});

describe('a report', () => {
	test('shows title, notes and tables, also without scripts', async () => {
		await withPage('full.html', { javaScriptEnabled: false }, async (page) => {
			assert.equal(await page.locator('h1').textContent(), 'server on web-17');
			assert.equal(await page.locator('.note.warning').count(), 2);
			assert.equal(await page.locator('tbody tr').count(), 12);
			assert.match(await page.locator('#run').textContent(), /Linux 6\.18/);
		});
	});

	test('keeps no room for graphs that nothing will draw', async () => {
		await withPage('full.html', { javaScriptEnabled: false }, async (page) => {
			const box = await page.locator('.flame').first().boundingBox();
			const note = await page.locator('.flame .note').first().boundingBox();

			assert.ok(note.height > 0 && box.height < 3 * note.height, `${box.height} px`);
		});
	});

	test('sorts its tables by what numbers are worth', async () => {
		await withPage('full.html', {}, async (page) => {
			const column = () =>
				page.locator('tbody tr td:nth-child(4)').allTextContents();

			await page.getByRole('button', { name: '99 %' }).click();
			assert.deepEqual((await column()).slice(0, 3), [
				'1.64 s',
				'1.23 s',
				'899 ms',
			]);
			await page.getByRole('button', { name: '99 %' }).click();
			assert.deepEqual((await column()).slice(0, 3), [
				'0 ns',
				'1.23 ms',
				'9.87 ms',
			]);
			await page.getByRole('button', { name: 'Function' }).click();
			assert.equal(await page.locator('th[aria-sort]').count(), 1);
		});
	});

	for (const kind of ['svg', 'html'])
		test(`keeps the state of two graphs apart in ${kind}`, async () => {
			await withPage(`full.${kind}`, {}, async (page) => {
				const second = page.locator('.flame').nth(1);

				await second.scrollIntoViewIfNeeded();
				await second.getByRole('button', { name: 'By leaf' }).click();
				await page.locator('.search').first().fill('main');
				assert.match(await address(page), /#q=main&off\.v=leaf$/);
				const shown = await snapshot(page);
				await page.reload();
				assert.deepEqual(await snapshot(page), shown);
				await page.locator('.search').nth(1).focus();
				await page.keyboard.press('Escape');
				await page.keyboard.press('i');
				assert.deepEqual((await snapshot(page)).pressed, [
					'Inverted',
					'By leaf',
				]);
			});
		});

	test('goes to a section and back', async () => {
		await withPage('full.html', {}, async (page) => {
			await page.getByRole('link', { name: 'Hottest functions' }).click();
			assert.match(await address(page), /#hot$/);
			assert.ok((await frames(page)).length > 5);
		});
	});

	test('runs no script but its own', async () => {
		await withPage(
			'full.html',
			{},
			async (page) => {
				const ran = await page.evaluate(() => {
					const script = document.createElement('script');

					script.textContent = 'window.ran = true';
					document.body.append(script);
					return window.ran === true;
				});

				assert.equal(ran, false);
			},
			/violates the following Content Security Policy|Refused to execute inline script/,
		);
	});

	test('fits into a narrow window', async () => {
		await withPage(
			'full.html',
			{ viewport: { width: 400, height: 800 } },
			async (page) => {
				assert.ok(
					await page.evaluate(
						() =>
							document.documentElement.scrollWidth <=
							innerWidth,
					),
				);
			},
		);
	});
});
