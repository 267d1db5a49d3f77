/** `barnacle completion …`, with its options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { COMMON, type CommonFlags, UNUSED_FLAG, UNUSED_PATH } from "../../cli/shared/command.ts";
import { EXIT } from "../../cli/shared/exit_code.ts";
import type { Shell } from "./scripts.ts";

const INSTALL: Readonly<Record<Shell, readonly string[]>> = {
  bash: [
    "mkdir -p ~/.local/share/bash-completion/completions",
    "barnacle completion bash > ~/.local/share/bash-completion/completions/barnacle",
  ],
  zsh: ['barnacle completion zsh > "${fpath[1]}/_barnacle"'],
  fish: ["barnacle completion fish > ~/.config/fish/completions/barnacle.fish"],
  powershell: ["barnacle completion powershell >> $PROFILE"],
};

const NOTES: Readonly<Record<Shell, readonly string[]>> = {
  bash: [
    "Without the package bash-completion, add this line to ~/.bashrc: " +
    'eval "$(barnacle completion bash)"',
  ],
  zsh: ["Needs `autoload -U compinit && compinit` in ~/.zshrc."],
  fish: [],
  powershell: [],
};

export const completion: CliGroup = describeGroup(
  "Print the script that completes command lines in a shell",
  {
    bash: completionFor("bash", "bash"),
    zsh: completionFor("zsh", "zsh"),
    fish: completionFor("fish", "fish"),
    powershell: completionFor("powershell", "PowerShell"),
  },
);

function completionFor(shell: Shell, name: string) {
  return describeCommand<CommonFlags>({
    brief: `Print the script for ${name}`,
    notes: [
      "Proposes commands, options and values: accounts, agents, channels, people, config keys.",
      ...NOTES[shell],
    ],
    examples: INSTALL[shell],
    exits: {},
    parameters: { flags: { ...COMMON, config: UNUSED_PATH, data: UNUSED_PATH, json: UNUSED_FLAG } },
    async run(_, io) {
      const { SCRIPTS } = await import("./scripts.ts");
      io.out(SCRIPTS[shell].trimEnd());
      return EXIT.done;
    },
  });
}
