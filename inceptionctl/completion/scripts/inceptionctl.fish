# Tab completion of inceptionctl for fish. The program answers with a word a line; a first line ":files" asks for names
# of files, which fish completes itself.
function __inceptionctl_complete
    set -l program (string replace -r '^~' "$HOME" -- (commandline -opc)[1])
    set -l found (command $program completion query (commandline -cp | string collect) 2>/dev/null)
    if test "$found[1]" = :files
        set -e found[1]
        set -l token (string replace -r '^[\'"]' '' -- (commandline -ct))
        set -l key (string match -r '^[^=]*=' -- $token)
        set -l value (string replace -r '^[^=]*=' '' -- $token)
        for path in (complete -C "'' $value")
            echo "$key$path"
        end
    end
    printf '%s\n' $found
end
complete -c inceptionctl -f -a '(__inceptionctl_complete)'
