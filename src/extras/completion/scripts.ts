/**
 * The completion scripts of the shells. Each asks the program itself for the next words, so it needs
 * no change with a new version, and proposes values of your own config.
 *
 * Names from Discord may have any characters. Each script quotes a word before it stands on the
 * command line; for bash, the program does: `printf %q` is not safe in every locale (`shell_words.ts`).
 */

const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

export type Shell = (typeof SHELLS)[number];

/** Text with each `@{` as the shells' own mark of a variable, and with backslashes as they are. */
function script({ raw: [text = ""] }: TemplateStringsArray): string {
  return text.replaceAll("@{", "$" + "{");
}

/** The scripts by shell, with a line break at the end. */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: script`# Completion of barnacle for bash 3.2 and later
_barnacle() {
  local line word program="@{1/#\~/$HOME}"
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      local raw=1
      compopt -o filenames 2>/dev/null || raw=
      while IFS= read -r word; do
        [[ $raw ]] || printf -v word '%q' "$word"
        COMPREPLY+=("$word")
      done < <(compgen -f -- "@{COMP_WORDS[COMP_CWORD]#=}")
      return
    fi
    COMPREPLY+=("@{line%%$'\t'*}") # quoted by barnacle
  done < <(COMP_LINE="@{COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \
    "$program" __complete bash 2>/dev/null)
  if [[ @{#COMPREPLY[@]} -eq 1 && @{COMPREPLY[0]} == *[.=] ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _barnacle barnacle
`,
  zsh: script`#compdef barnacle
# Completion of barnacle for zsh
_barnacle() {
  local line value
  local -a whole open whole_about open_about
  for line in "@{(@f)$("@{words[1]/#\~/$HOME}" __complete zsh \
    "@{(@)@{(@Q)words[2,CURRENT-1]}/#/=}" "=@{(Q)PREFIX}" 2>/dev/null)}"; do
    [[ -z $line ]] && continue
    if [[ $line == :files ]]; then
      _files
      return
    fi
    value=@{line%%$'\t'*}
    if [[ $value == *[.=] ]]; then
      open+=("$value")
      open_about+=("@{line/$'\t'/  -- }")
    else
      whole+=("$value")
      whole_about+=("@{line/$'\t'/  -- }")
    fi
  done
  (( $#open )) && compadd -l -S '' -d open_about -- "@{open[@]}"
  (( $#whole )) && compadd -l -d whole_about -- "@{whole[@]}"
}
if [[ "@{funcstack[1]}" == _barnacle ]]; then
  _barnacle "$@"
else
  compdef _barnacle barnacle
fi
`,
  fish: script`# Completion of barnacle for fish
function __barnacle_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    set -l lines ($program __complete fish =$words "=$current" 2>/dev/null)
    if test "$lines" = :files
        __fish_complete_path "$current"
    else
        printf '%s\n' $lines
    end
end
complete -c barnacle -f -a '(__barnacle_complete)'
`,
  powershell: script`# Completion of barnacle for PowerShell 5.1 and later
Register-ArgumentCompleter -Native -CommandName barnacle -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements |
    Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
    ForEach-Object { '=' + $_.ToString().Trim("'", '"') })
  $program = $commandAst.CommandElements[0].ToString()
  $typed = $wordToComplete.Trim("'", '"')
  & $program __complete powershell @words "=$typed" 2>$null | ForEach-Object {
    $value, $about = $_ -split [char]9, 2
    if ($value -eq ':files') {
      Get-ChildItem -Path "$typed*" -ErrorAction SilentlyContinue | ForEach-Object {
        $path = (Resolve-Path -Relative -LiteralPath $_.FullName)
        $quoted = if ($path -match '[^\w./\\:-]') { "'" + ($path -replace "['\u2018-\u201b]", '$0$0') + "'" } else { $path }
        [System.Management.Automation.CompletionResult]::new($quoted, $_.Name, 'ProviderItem', $path)
      }
    } else {
      $quoted = if ($value -match '[^\w./:=-]') { "'" + ($value -replace "['\u2018-\u201b]", '$0$0') + "'" } else { $value }
      $tip = if ($about) { $about } else { $value }
      [System.Management.Automation.CompletionResult]::new($quoted, $value, 'ParameterValue', $tip)
    }
  }
}
`,
};
