#compdef inceptionctl
# Tab completion of inceptionctl for zsh. The program answers with a word a line; a first line ":files" asks for names
# of files, which zsh completes itself.
_inceptionctl() {
    local word="$PREFIX"
    [[ -n $QIPREFIX ]] && word="${(q)PREFIX}"
    local -a found whole begun
    found=("${(@f)$("${words[1]/#\~/$HOME}" completion query "${(j: :)words[1,CURRENT-1]} $word" 2>/dev/null)}")
    begun=("${(@M)found:#*([=.\/]|=\[*)}")
    whole=("${(@)${(@)found:#*([=.\/]|=\[*)}:#(:files|)}")
    compadd -S '' -- $begun
    compadd -- $whole
    if [[ $found[1] == :files ]]; then
        compset -P '*='
        _files
    fi
}
if [[ $funcstack[1] == _inceptionctl ]]; then
    _inceptionctl "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i; }
    compdef _inceptionctl inceptionctl
fi
