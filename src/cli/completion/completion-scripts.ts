import type { Shell } from './write-completions.ts'

// Not @oclif/plugin-autocomplete: it has no script for fish and completes no values of a database.

/**
 * In all scripts: the program that was typed answers, if it can be run by that name. Nothing that it prints is run by the
 * shell, it has no terminal to read from, and its errors are not shown.
 */
const BASH = String.raw`# bash completion of %bin%, made by: %bin% completion bash
%function%() {
  local program=$1 line first=1
  COMPREPLY=()
  case $(type -t -- "$program" 2>/dev/null) in
    file | function) ;;
    *) program=%bin% ;;
  esac
  while IFS= read -r line; do
    if [[ $first ]]; then
      first=
      # paths, when no word fits; bash 3 has no compopt
      case $line in
        files) compopt -o default 2>/dev/null ;;
        directories) compopt -o dirnames 2>/dev/null ;;
      esac
    else
      COMPREPLY+=("$line")
    fi
  done < <("$program" complete bash -- "$COMP_WORDBREAKS" "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
}
complete -F %function% %bin%
`

const ZSH = String.raw`#compdef %bin%
# zsh completion of %bin%, made by: %bin% completion zsh
%function%() {
  local program=\${(Q)words[1]} typed=\${(Q)PREFIX}
  local -a answer values shown
  local value display
  (( $+commands[$program] || $+functions[$program] )) || [[ -x $program ]] || program=%bin%
  answer=("\${(@0)$("$program" complete zsh -- "\${(@Q)words[2,CURRENT-1]}" "$typed" 2>/dev/null </dev/null)}")
  for value display in "\${(@)answer[3,-2]}"; do
    values+=("$value")
    shown+=("$display")
  done
  (( $#values )) && compadd -l -d shown -- "\${(@)values}"
  if [[ -n $answer[1] ]]; then
    [[ -n $answer[2] ]] && compset -P '*='
    case $answer[1] in
      files) _files ;;
      directories) _files -/ ;;
    esac
  fi
}
if [[ $funcstack[1] == %function% ]]; then
  # loaded from a folder of fpath, for the first completion
  %function% "$@"
else
  compdef %function% %bin%
fi
`

const FISH = String.raw`# fish completion of %bin%, made by: %bin% completion fish
function %function%
    set -l words (commandline -opc)
    set -l token (commandline -ct | string collect)
    set -l program $words[1]
    type -q -- $program; or set program %bin%
    set -l answer ($program complete fish -- $words[2..-1] "$token" 2>/dev/null </dev/null | string split0)
    switch "$answer[1]"
        case files
            set -a answer $answer[2](__fish_complete_path (string replace -- "$answer[2]" '' "$token"))
        case directories
            set -a answer $answer[2](__fish_complete_directories (string replace -- "$answer[2]" '' "$token") '')
    end
    # each word ends with NUL, because a name may have line ends
    string join0 -- $answer[3..-1]
end
complete -c %bin% -f -a '(%function% | string split0)'
`

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH }

/** The completion script of a shell for a program of this name. */
export function writeCompletionScript(shell: Shell, bin: string): string {
  // zsh loads the function from a file of its name
  const name =
    shell === 'bash'
      ? `_${bin.replaceAll('-', '_')}`
      : shell === 'zsh'
        ? `_${bin}`
        : `__complete_${bin.replaceAll('-', '_')}`
  return SCRIPTS[shell].replaceAll('\\$', '$').replaceAll('%bin%', bin).replaceAll('%function%', name)
}
