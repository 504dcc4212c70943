# Turns the Markdown of specs/trace-format.md into a manual page:
#
#	awk -v version=0.1 -v date=2026-11-23 -f roff.awk -f markdown.awk trace-format.md >trace.5
#
# Knows what that file uses: headings, paragraphs, **strong**, *emphasis*, `code`, indented blocks
# and tables. Where a table is wider than a page its long columns are broken into lines.

BEGIN {
	PAGE = 70 # columns of a table on a terminal of 80
	INDENT = 4
	LONG = 18 # a column that is wider may be broken
	print "'\\\" t"
	print ".TH TRACE 5 " date " \"rec " version "\" \"File formats\""
	print ".nr HY 0\n.nh\n.ad l" # no hyphenation, for names; .EE turns it on again as HY says
}

# The first heading says what the whole is.
function title(text) {
	gsub(/`/, "", text)
	text = tolower(substr(text, 1, 1)) substr(text, 2)
	print ".SH NAME\ntrace \\- " roff(text) "\n.SH DESCRIPTION"
	headed = 1
}

# What follows a heading needs no space in front.
function gap() {
	if (!headed)
		print ".PP"
	headed = 0
}

# ---- tables ----

function trim(s) {
	gsub(/^ +| +$/, "", s)
	return s
}

function cells_of(line, row,    parts, n, i) {
	sub(/^[|]/, "", line)
	sub(/[|] *$/, "", line)
	n = split(line, parts, /[|]/)
	n_columns = n > n_columns ? n : n_columns
	for (i = 1; i <= n; i++)
		cell[row, i] = trim(parts[i])
}

function visible(s) {
	gsub(/[`*]/, "", s)
	return length(s)
}

# Widths of the columns, and of the table when nothing is broken.
function measure(    row, i, total) {
	for (i = 1; i <= n_columns; i++) {
		width[i] = 0
		for (row = 1; row <= n_rows; row++)
			if (visible(cell[row, i]) > width[i])
				width[i] = visible(cell[row, i])
		total += width[i] + 3
	}
	return total
}

function put_row(row, wide,    i, line) {
	for (i = 1; i <= n_columns; i++) {
		if (i > 1)
			line = line "\t"
		if (wide && width[i] > LONG && cell[row, i] != "")
			line = line "T{\n" marked(cell[row, i]) "\nT}"
		else
			line = line marked(cell[row, i])
	}
	print line
}

function put_table(    wide, row, i, head, body) {
	wide = measure() > PAGE
	for (i = 1; i <= n_columns; i++) {
		head = head (i > 1 ? " " : "") "lb"
		body = body (i > 1 ? " " : "") (wide && width[i] > LONG ? "lx" : "l")
	}
	gap()
	print ".TS\nnokeep;\n" head "\n" body "."
	for (row = 1; row <= n_rows; row++) {
		put_row(row, wide && row > 1)
		if (row == 1)
			print "_"
	}
	print ".TE"
	split("", cell)
	n_rows = n_columns = 0
}

# ---- everything else ----

function end_paragraph() {
	if (paragraph == "")
		return
	gap()
	print marked(paragraph)
	paragraph = ""
}

function end_block() {
	end_paragraph()
	if (n_rows)
		put_table()
	if (in_code)
		print ".EE"
	in_code = pending = 0
}

function heading(macro, text) {
	end_block()
	print macro " " marked(text)
	headed = 1
}

function code_line() {
	if (!in_code) {
		end_block()
		gap()
		print ".EX"
	}
	for (; pending; pending--)
		print ""
	in_code = 1
	print roff(substr($0, INDENT - 1)) # half of it is enough on a page that is indented itself
}

/^# / { title(substr($0, 3)); next }
/^## / { heading(".SH", toupper(substr($0, 4))); next }
/^### / { heading(".SS", substr($0, 5)); next }
/^    / && paragraph == "" { code_line(); next }
/^$/ && in_code { pending++; next }
/^$/ { end_block(); next }
/^[|][-:|]+$/ { next }
/^[|]/ {
	if (!n_rows)
		end_block()
	cells_of($0, ++n_rows)
	next
}
{
	if (in_code || n_rows)
		end_block()
	paragraph = paragraph (paragraph == "" ? "" : "\n") $0
}
END {
	end_block()
	print ".SH SEE ALSO\n.BR rec (1),\n.BR ana (1)"
}
