# Fills a manual page from the tables of its program:
#
#	awk -v version=0.1 -v date=2026-11-23 -f roff.awk -f fill.awk ana.tables ana.1.in >ana.1
#
# The tables are what `rec --tables` and `ana --tables` print, see format/base/option_table.h. Those
# of a command of `ana` come behind a line "of COMMAND". The page has lines of its own for what is
# to be filled in: @OPTIONS@, @FORMATS@, and @SOURCES@ or @COMMANDS@ with hand-written paragraphs.
#
# With -v only=COMMAND it makes a page of that command alone, of what the tables and the paragraph say.

BEGIN {
	FS = "\t"
}

function give_up(what) {
	print FILENAME ": " what | "cat >&2"
	failed = 1
	exit 1
}

# ---- the tables ----

# A list of words with one more, which is in it once.
function with(list, word) {
	return index(" " list " ", " " word " ") ? list : list (list ? " " : "") word
}

function table_line() {
	if ($1 == "source" || $1 == "command") {
		names[++n_names] = $2
		summary[$2] = $3
	} else if ($1 == "of") {
		command = $2
		if (only == "" || command == only)
			all = with(all, command)
	} else if (only != "" && command != only) {
		return
	} else if ($1 == "group") {
		group = $2
		if (!(group in group_of))
			groups[++n_groups] = group
		group_of[group] = with(group_of[group], command)
	} else if ($1 == "option") {
		option_line()
	} else if ($1 == "list" && $2 ~ /^ /) {
		lists[command] = lists[command] $2 "\n"
	}
}

# The same option of several commands is told once.
function option_line(    id) {
	id = group FS $2 FS $3 FS $4 FS $5
	if (!(id in option_of))
		options[group] = options[group] id "\n"
	option_of[id] = with(option_of[id], command)
}

# ---- the page ----

function sentence(s) {
	return toupper(substr(s, 1, 1)) substr(s, 2) (s ~ /[.]$/ ? "" : ".")
}

# "a, b and c", in bold.
function enumerate(list,    words, n, i, out) {
	n = split(list, words, " ")
	for (i = 1; i <= n; i++)
		out = out (i == 1 ? "" : i == n ? " and " : ", ") "\\fB" words[i] "\\fR"
	return out
}

function put_names(    i) {
	for (i = 1; i <= n_names; i++) {
		print ".TP\n\\fB" roff(names[i]) "\\fR\n" marked(sentence(summary[names[i]]))
		if (names[i] in text) # tests/e2e/test_install.sh wants one for each
			printf ".IP\n%s", text[names[i]]
	}
	for (i in text)
		if (!(i in summary))
			give_up("@TEXT " i "@ is about nothing that exists")
}

# What an option takes: words as they are, a placeholder in italics.
function put_arg(a,    words, n, i, out) {
	if (a !~ /[|]/)
		return "\\fI" roff(a) "\\fR"
	n = split(a, words, "|")
	for (i = 1; i <= n; i++)
		out = out (i > 1 ? "|" : "") "\\fB" roff(words[i]) "\\fR"
	return out
}

function put_option(id,    part, tag, equals) {
	split(id, part, FS) # group, letter, word, what it takes, meaning
	tag = part[2] == "-" ? "" : "\\fB" roff(part[2]) "\\fR"
	if (part[3] != "-")
		tag = tag (tag ? ", " : "") "\\fB" roff(part[3]) "\\fR"
	equals = part[3] == "-" ? " " : "="
	print ".TP\n" tag (part[4] == "-" ? "" : equals put_arg(part[4]))
	print marked(sentence(part[5]))
	if (option_of[id] != group_of[part[1]])
		print "Only for " enumerate(option_of[id]) "."
}

function put_options(    i, j, n, ids) {
	for (i = 1; i <= n_groups; i++) {
		print ".SS " roff(groups[i])
		if (group_of[groups[i]] != "" && group_of[groups[i]] != all)
			print "Of " enumerate(group_of[groups[i]]) "."
		n = split(options[groups[i]], ids, "\n")
		for (j = 1; j < n; j++)
			put_option(ids[j])
	}
}

# A page of one command.
function put_command() {
	if (!(only in summary))
		give_up("there is no command " only)
	print ".TH ANA\\-" toupper(only) " 1 " date " \"ana " version "\" \"User commands\""
	print ".nr HY 0\n.nh\n.ad l"
	print ".SH NAME\nana\\-" only " \\- " marked(summary[only])
	print ".SH SYNOPSIS\n.B ana " only "\n.RI [ option ...]\n.IR trace ...\n.SH DESCRIPTION"
	gsub(/\n[.]IP\n/, "\n.PP\n", text[only]) # not below the name of a command here
	printf "%s", text[only]
	print ".SH OPTIONS"
	put_options()
	if (lists[only] != "") {
		print ".SH FORMATS"
		put_list(lists[only])
	}
	print ".SH SEE ALSO\n.BR ana (1),\nwhich has what all commands share, and examples;"
	print ".BR rec (1),\n.BR trace (5)"
}

# "  text  for a terminal", one a line.
function put_list(list,    j, n, lines, name) {
	n = split(list, lines, "\n")
	for (j = 1; j < n; j++) {
		name = lines[j]
		sub(/^ +/, "", name)
		sub(/ .*/, "", name)
		sub(/^ +[^ ]+ +/, "", lines[j])
		print ".TP\n\\fB" roff(name) "\\fR\n" marked(sentence(lines[j]))
	}
}

function put_formats(    i, same) {
	for (i = 1; i <= n_names; i++)
		if (lists[names[i]] != "")
			same[lists[names[i]]] = with(same[lists[names[i]]], names[i])
	for (i = 1; i <= n_names; i++) {
		if (lists[names[i]] == "" || same[lists[names[i]]] == "")
			continue
		print ".SS Of " enumerate(same[lists[names[i]]])
		same[lists[names[i]]] = ""
		put_list(lists[names[i]])
	}
}

FNR == NR {
	table_line()
	next
}
/^\.\\"/ { next } # comments are for those who edit the source
/^@(SOURCES|COMMANDS)@$/ { in_names = 1; next }
/^@TEXT .*@$/ { about = substr($0, 7, length($0) - 7); next }
/^@END@$/ { in_names = 0; if (only == "") put_names(); next }
in_names { text[about] = text[about] $0 "\n"; next }
only != "" { next }
/^@OPTIONS@$/ { put_options(); next }
/^@FORMATS@$/ { put_formats(); next }
{
	gsub(/@VERSION@/, version)
	gsub(/@DATE@/, date)
	print
}
END {
	if (!failed && in_names)
		give_up("no @END@")
	if (!failed && only != "")
		put_command()
	exit failed
}
