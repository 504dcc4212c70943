# What the scripts that write manual pages share: text that roff shows as it is.

# Characters that roff would take for its own.
function roff(s) {
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	gsub(/'/, "\\(aq", s)
	gsub(/\^/, "\\(ha", s)
	gsub(/~/, "\\(ti", s)
	sub(/^[.]/, "\\\\\\&.", s)
	gsub(/\n[.]/, "\n\\\\\\&.", s)
	return s
}

# Text with the marks that help texts and Markdown have: `code`, **strong** and *emphasis*.
function marked(s,    parts, n, i, out) {
	n = split(s, parts, "`")
	for (i = 1; i <= n; i++)
		out = out (i % 2 ? strong(parts[i]) : "\\fB" roff(parts[i]) "\\fR")
	return out
}

function strong(s,    parts, n, i, out) {
	n = split(s, parts, /\*\*/)
	for (i = 1; i <= n; i++)
		out = out (i % 2 ? emphasis(parts[i]) : "\\fB" roff(parts[i]) "\\fR")
	return out
}

# A star with a letter behind it; others multiply.
function emphasis(s,    out) {
	while (match(s, /\*[A-Za-z][^*]*\*/)) {
		out = out roff(substr(s, 1, RSTART - 1)) "\\fI" \
			roff(substr(s, RSTART + 1, RLENGTH - 2)) "\\fR"
		s = substr(s, RSTART + RLENGTH)
	}
	return out roff(s)
}
