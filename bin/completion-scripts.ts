// What a shell needs to ask `sluice complete -- WORD…`, which answers a line an option: the whole word, a tab, what it is. A last
// line `:N` is of no use here. A quote that is open at the cursor stays out of the word, so that filters complete within it.

const bash = `# bash completion for sluice:  source <(sluice completion bash)
_sluice() {
    local words=() word value
    for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
        [[ $word == = ]] && continue
        word=\${word#[\\"\\']}
        words+=("\${word%[\\"\\']}")
    done
    COMPREPLY=()
    while IFS=$'\\t' read -r value _; do
        [[ $value == :* ]] || COMPREPLY+=("$value")
    done < <(sluice complete -- "\${words[@]}" 2>/dev/null)
}
complete -o default -F _sluice sluice
`;

const zsh = `#compdef sluice
# zsh completion for sluice:  source <(sluice completion zsh), or a file _sluice in a folder of $fpath
_sluice() {
    local -a given options
    local word line
    for word in "\${(@)words[2,CURRENT]}"; do
        word=\${word#[\\"\\']}
        given+=("\${word%[\\"\\']}")
    done
    for line in "\${(@f)$(sluice complete -- "\${given[@]}" 2>/dev/null)}"; do
        [[ -z $line || $line == :* ]] && continue
        options+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    done
    if (( $#options )); then _describe sluice options; else _files; fi
}
if [[ $funcstack[1] == _sluice ]]; then _sluice "$@"; else compdef _sluice sluice; fi
`;

const fish = `# fish completion for sluice:  sluice completion fish | source
function __sluice_complete
    set -l given (commandline -opc) (commandline -ct)
    set given[-1] (string trim --left --chars '"\\'' -- $given[-1])
    sluice complete -- $given[2..-1] 2>/dev/null | string match --invert ':*'
end
complete -c sluice -f -a '(__sluice_complete)'
`;

export const completionScripts = { bash, zsh, fish } as const;
