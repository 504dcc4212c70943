# Makes the part of a bash completion that a program's tables know:
#
#	awk -v name=ana -f table.awk ana.tables
#
# _NAME_names		sources or commands
# _NAME_options COMMAND		options; COMMAND is empty for a program that has none
# _NAME_values COMMAND OPTION	what an option takes: its words, or @ and the placeholder in the manual;
#			nothing if it takes nothing

BEGIN {
	FS = "\t"
}
$1 == "source" || $1 == "command" { names = names " " $2 }
$1 == "of" {
	command = $2
}
$1 == "option" {
	n++
	of[n] = command
	short[n] = $2 == "-" ? "" : $2
	long[n] = $3 == "-" ? "" : $3
	arg[n] = $4
	if (!(command in options))
		commands[++n_commands] = command
	options[command] = options[command] " " trim(short[n] " " long[n])
}
$1 == "list" && $2 ~ /^ / {
	split($2, word, / +/)
	listed[command] = listed[command] " " word[2]
}

function trim(s) {
	gsub(/^ +| +$/, "", s)
	return s
}

function values(i,    words) {
	if (arg[i] == "FORMAT" && listed[of[i]] != "")
		return trim(listed[of[i]])
	words = arg[i]
	return gsub(/[|]/, " ", words) ? words : "@" words
}

# A function of echoes, one for each case.
function put(what, subject, cases) {
	printf "_%s_%s()\n{\n\tcase \"%s\" in\n%s\tesac\n}\n\n", name, what, subject, cases
}

END {
	print "# bash completion of " name ", made from its tables; do not edit.\n"
	printf "_%s_names()\n{\n\techo \"%s\"\n}\n\n", name, trim(names)
	for (i = 1; i <= n; i++) {
		if (arg[i] == "-")
			continue
		keys = short[i] != "" ? "\"" of[i] " " short[i] "\"" : ""
		if (long[i] != "")
			keys = keys (keys ? " | " : "") "\"" of[i] " " long[i] "\""
		takes = takes "\t" keys ") echo \"" values(i) "\" ;;\n"
	}
	for (i = 1; i <= n_commands; i++)
		cases = cases "\t\"" commands[i] "\") echo \"" trim(options[commands[i]]) "\" ;;\n"
	put("options", "$1", cases)
	put("values", "$1 $2", takes)
}
