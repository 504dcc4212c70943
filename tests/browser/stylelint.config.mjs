export default {
	extends: 'stylelint-config-recommended',
	rules: {
		/* Sheets are read one after the other; what a later one adds to an earlier has its own order. */
		'no-descending-specificity': null,
		'no-duplicate-selectors': null,
		/* Nothing is loaded from anywhere. */
		'function-url-scheme-disallowed-list': ['http', 'https', 'data'],
		'at-rule-disallowed-list': ['import'],
	},
};
