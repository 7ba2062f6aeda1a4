# bash completion for ocserv-modern(8) and ocpasswd(8)                                   -*- shell-script -*-
# SPDX-License-Identifier: GPL-3.0-or-later
# The options are those of the program itself: it lists them with --help.
_ocserv_modern_longopt() {
	local cur=${COMP_WORDS[COMP_CWORD]}
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null | grep -o -e '--[a-z][a-z-]*')" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}
complete -o filenames -F _ocserv_modern_longopt ocserv-modern ocpasswd
