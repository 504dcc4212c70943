/* What of the page is made late. A report can hold megabytes of numbers, and most of it is out of sight at
 * first: each part reads its own numbers when it comes near, when the address asks for it, or for paper. */
'use strict';

const NEAR_SIGHT = '400px';

/* The numbers of a part, by its place in the list of them, as render/flame_data.h says. */
function dataOf(number) {
	return JSON.parse(document.querySelectorAll('script.data')[number].textContent);
}

class Part {
	constructor(host, id, make) {
		this.host = host;
		this.id = id;
		this.make = make;
		this.made = null;
		this.waiting = [];
	}

	get() {
		if (this.made) return this.made;
		this.host.classList.remove('waiting');
		this.made = this.make(this.host);
		for (const use of this.waiting) use(this.made);
		return this.made;
	}

	whenMade(use) {
		if (this.made) use(this.made);
		else this.waiting.push(use);
	}

	/* By which a part tells that the address should follow. */
	onchange(change) {
		this.whenMade((it) => {
			it.onchange = change;
		});
	}
}

/* The flame graph below a heatmap, which makes it. */
class InnerPart {
	constructor(part) {
		this.part = part;
		this.host = part.host.closest('section') || part.host.parentNode;
		this.id = `${part.id}-flame`;
	}

	get made() {
		return this.part.made && this.part.made.view;
	}

	get() {
		return this.part.get().view;
	}

	onchange(change) {
		this.part.whenMade((heatmap) => {
			heatmap.view.onchange = change;
		});
	}
}

/* Makes parts as they come near. */
function watchParts(parts) {
	const byHost = new Map(parts.map((p) => [p.host, p]));
	const observer = new IntersectionObserver(
		(entries) => {
			for (const entry of entries) {
				if (!entry.isIntersecting) continue;
				observer.unobserve(entry.target);
				byHost.get(entry.target).get();
			}
		},
		{ rootMargin: NEAR_SIGHT },
	);
	const makeAll = () => {
		for (const part of parts) part.get();
	};

	for (const part of parts) observer.observe(part.host);
	addEventListener('beforeprint', makeAll);
	matchMedia('print').addEventListener('change', makeAll);
}
