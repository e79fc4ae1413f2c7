/** Each asks `berth __complete` for what fits, one candidate a line; where nothing fits, the shell offers files. */
export const completionScripts: Record<'bash' | 'zsh' | 'fish', string> = {
  bash: `# bash completion for berth: source <(berth completion bash)
_berth() {
  local candidate
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("$(printf '%q' "$candidate")")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _berth berth
`,
  zsh: `#compdef berth
# zsh completion for berth: source <(berth completion zsh)
_berth() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then
    compadd -- "\${found[@]}"
  else
    _files
  fi
}
if [[ "\${funcstack[1]}" == _berth ]]; then
  _berth "$@"
else
  compdef _berth berth
fi
`,
  fish: `# fish completion for berth: berth completion fish | source
function __berth_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (berth __complete -- $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c berth -f -a '(__berth_complete)'
`,
};
