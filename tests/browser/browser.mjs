/* A headless Chromium, and pages in it that are watched: a page may load nothing but itself, and
 * neither complain nor open a dialog. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const PAGES = process.env.PAGES;

let browser;

export async function startBrowser() {
	browser = await chromium.launch({
		executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
		args: [
			'--no-sandbox',
			'--disable-gpu',
			'--disable-quic',
			'--no-first-run',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
		],
	});
}

export async function stopBrowser() {
	await browser.close();
}

export function addressOf(file) {
	return `file://${PAGES}/${file}`;
}

/* Opens a page, lets test use it, and checks that it behaved. `complaints` is what the browser
 * may say about it; `late` leaves the page to make its parts as they come into sight. */
export async function withPage(file, { late, ...options }, test, complaints = /^$/) {
	const context = await browser.newContext({
		viewport: { width: 1280, height: 800 },
		reducedMotion: 'reduce',
		...options,
	});
	const page = await context.newPage();
	const seen = { requests: [], complaints: [], dialogs: [] };

	page.on('request', (r) => seen.requests.push(r.url()));
	page.on('console', (m) => seen.complaints.push(`${m.type()}: ${m.text()}`));
	page.on('pageerror', (e) => seen.complaints.push(String(e.stack)));
	page.on('dialog', (d) => {
		seen.dialogs.push(d.message());
		d.dismiss();
	});
	try {
		await page.goto(addressOf(file));
		if (!late) await makeAll(page);
		await test(page, context);
		const own = addressOf(file.replace(/#.*/, ''));
		assert.deepEqual(
			seen.requests.filter((u) => u.replace(/#.*/, '') !== own),
			[],
		);
		assert.deepEqual(
			seen.complaints.filter((c) => !complaints.test(c)),
			[],
		);
		assert.deepEqual(seen.dialogs, []);
	} finally {
		await context.close();
	}
}

/* Parts of a page are made when they come into sight, or for paper; here at once, unless that is what is tried. */
export function makeAll(page) {
	return page.evaluate(() => dispatchEvent(new Event('beforeprint')));
}

/* page.url() lags behind what a script wrote there. */
export function address(page) {
	return page.evaluate(() => location.href);
}

/* ---- what a page should show: from the folded stacks beside it ---- */

/* Totals of all paths ("a;b"), of all leaves, and of the whole. */
export function readTruth(name) {
	const truth = { paths: new Map(), leaves: new Map(), total: 0, stacks: [] };

	for (const line of readFileSync(`${PAGES}/${name}.folded`, 'utf8').trim().split('\n')) {
		const space = line.lastIndexOf(' ');
		const frames = line.slice(0, space).split(';');
		const weight = Number(line.slice(space + 1));

		truth.stacks.push([frames, weight]);
		truth.total += weight;
		add(truth.leaves, frames.at(-1), weight);
		for (let path = '', i = 0; i < frames.length; i++) {
			path += (i ? ';' : '') + frames[i];
			add(truth.paths, path, weight);
		}
	}
	return truth;
}

export function add(map, key, n) {
	map.set(key, (map.get(key) || 0) + n);
}

/* The weight of the stacks that hold a frame which matches. */
export function matchedWeight(truth, regex) {
	return truth.stacks
		.filter(([frames]) => frames.some((f) => regex.test(f)))
		.reduce((sum, [, weight]) => sum + weight, 0);
}

/* ---- what a page does show ---- */

/* The frames of a graph: label, level, weight in words, place on the page. */
export function frames(page, graph = 0) {
	return page.evaluate((i) => {
		const host = document.querySelectorAll('.flame')[i];

		return [...host.querySelectorAll('.f')].map((el) => {
			const r = el.getBoundingClientRect();
			const words = el.getAttribute('aria-label').split(', ');

			return {
				label: words[0],
				level: Number(el.getAttribute('aria-level')),
				weight: Number(
					(words[1] || '')
						.replace(/ samples?$/, '')
						.replaceAll(',', ''),
				),
				spoken: el.getAttribute('aria-label'),
				text: el.textContent,
				x: r.x,
				y: r.y,
				width: r.width,
				classes: el.className,
			};
		});
	}, graph);
}

export async function frame(page, label) {
	return (await frames(page)).find((f) => f.label === label);
}

/* Clicks in the middle of a frame. */
export async function clickFrame(page, label) {
	const f = await frame(page, label);

	assert.ok(f, `there is no frame ${label}`);
	await page.mouse.click(f.x + f.width / 2, f.y + 8);
	await page.waitForTimeout(0);
}

export async function panelWidth(page) {
	return page.evaluate(() => document.querySelector('.panel').clientWidth);
}

/* All that a link should bring back. */
export async function snapshot(page) {
	return page.evaluate(() => ({
		frames: [...document.querySelectorAll('.f')].map((el) => [
			el.getAttribute('aria-label'),
			el.className,
			el.style.left,
			el.style.top,
			el.style.width,
		]),
		pressed: [...document.querySelectorAll('button[aria-pressed=true]')].map(
			(b) => b.textContent,
		),
		search: [...document.querySelectorAll('.search')].map((s) => s.value),
		found: [...document.querySelectorAll('.found')].map((s) => s.textContent),
	}));
}
