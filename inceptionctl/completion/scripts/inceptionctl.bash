# Tab completion of inceptionctl for bash. The program answers with a word a line; a first line ":files" asks for names
# of files, which readline completes itself unless a quote stands before the key.
_inceptionctl() {
    local IFS=$'\n' program="${1/#\~/$HOME}" line="${COMP_LINE:0:COMP_POINT}" word="${COMP_WORDS[COMP_CWORD]}"
    local name key="" before=""
    local -a found
    mapfile -t found < <("$program" completion query "$line" 2>/dev/null)
    if [[ ${found-} == :files ]]; then
        found=("${found[@]:1}")
        compopt -o default
        if [[ $word == [\'\"]*=* ]]; then
            key="${word%%=*}"
            while read -r name; do
                [[ -d $name ]] && name+=/
                found+=("${key:1}=$name")
            done < <(compgen -f -- "${word#*=}")
        fi
    fi
    # Without a quote, bash splits words at = and :, and replaces only what stands behind the last of them.
    if [[ $word != [\'\"]* ]]; then
        [[ $word == [=:] ]] && word=""
        before="${line##*[[:space:]]}"
        before="${before%"$word"}"
    fi
    COMPREPLY=("${found[@]#"$before"}")
    [[ ${found-} == *[=./] || ${found-} == *=[[]* ]] && compopt -o nospace
    return 0
}
complete -F _inceptionctl inceptionctl
