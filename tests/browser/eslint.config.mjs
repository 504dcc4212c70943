/* The page's scripts are plain ones that share one scope: what one declares at its top level, others may
 * use, and which those names are is read from the files. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const js = createRequire(import.meta.url)('@eslint/js');
const page = new URL('../../render/page/', import.meta.url);
const browser = [
	'addEventListener',
	'console',
	'cancelAnimationFrame',
	'clearTimeout',
	'CSS',
	'devicePixelRatio',
	'document',
	'getComputedStyle',
	'history',
	'innerHeight',
	'innerWidth',
	'IntersectionObserver',
	'location',
	'matchMedia',
	'performance',
	'requestAnimationFrame',
	'ResizeObserver',
	'setTimeout',
	'URLSearchParams',
];
const node = ['process', 'URL', 'console', 'setTimeout', 'Buffer', 'Event', 'dispatchEvent'];
const declared = readdirSync(page)
	.filter((f) => f.endsWith('.js'))
	.flatMap((f) =>
		readFileSync(new URL(f, page), 'utf8').match(/^(?:class|const|let|function) \w+/gm),
	)
	.map((line) => line.split(' ')[1]);

function globals(names) {
	return Object.fromEntries(names.map((name) => [name, 'readonly']));
}

export default [
	js.configs.recommended,
	{
		rules: {
			'no-unused-vars': ['error', { vars: 'local', args: 'after-used' }],
			'no-redeclare': ['error', { builtinGlobals: false }],
			'no-var': 'error',
			'prefer-const': 'error',
			eqeqeq: 'error',
			'no-eval': 'error',
			'no-implied-eval': 'error',
			/* Text from a trace is never read as markup. */
			'no-restricted-properties': [
				'error',
				...['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'write'].map(
					(property) => ({ property }),
				),
			],
		},
	},
	{
		files: ['**/render/page/*.js'],
		languageOptions: {
			sourceType: 'script',
			globals: globals([...browser, ...declared]),
		},
	},
	{
		/* The tests have functions that run in the page. */
		files: ['**/*.mjs'],
		languageOptions: { globals: globals([...node, ...browser, ...declared, 'window']) },
	},
];
