/** A machine with systemd in a temporary root, with a fake systemctl and journalctl on the path. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { installService } from "../../../src/features/service/install.ts";
import { type HostMachine, openMachine } from "../../../src/features/service/machine.ts";
import { recordingIo } from "../../cli/io.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** The shape of a token of Discord; this one belongs to no bot. */
export const TOKEN = `MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.${"x".repeat(38)}`;
export const CONFIG = JSON.stringify({
  channels: { discord: { token: { file: "discord_token" } } },
  agents: { defaults: { model: "local/tiny" } },
  models: { providers: { local: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:9/v1" } } },
});

/** Answers as the real one, from files in its state folder, and records its arguments. */
const FAKE = `#!/bin/sh
echo "$(basename "$0") $*" >> "$STATE/calls"
for last; do :; done
case "$*" in
  *linger*|*sysusers*) test ! -e "$STATE/refuse" ;;
  *is-enabled*) test -e "$STATE/enabled" ;;
  *is-active*) test -e "$STATE/active" ;;
  *" show "*|"show "*) cat "$STATE/show" ;;
  *restart*) touch "$STATE/active"; cp "$STATE/after" "$STATE/show" ;;
  *disable*) rm -f "$STATE/enabled" "$STATE/active" ;;
  *enable*) touch "$STATE/enabled" ;;
  --unit*|--user-unit*) cat "$STATE/journal" ;;
esac
`;

const READY = "ActiveState=active\nSubState=running\nNRestarts=0\nExecMainCode=0\n" +
  "ExecMainStatus=0\nResult=success\nStatusText=pass  running\n";

export const UNIT = "etc/systemd/system/barnacle.service";
export const OWN_CONFIG = "etc/barnacle/config.jsonc";
export const OUR_UNIT = "[Unit]\nDescription=Barnacle - Discord AI agent\n";

/** Times of a wait for the bot. */
export const TIMES = { stepMs: 1, readyMs: 2_000, settleMs: 50 };

export type Stage = ReturnType<typeof stageIn>;

function stageIn(folder: string, uid: number, answer: boolean | undefined) {
  const [root, bin, state] = [join(folder, "root"), join(folder, "bin"), join(folder, "state")];
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  };
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  mkdirSync(join(root, "etc/systemd/system"), { recursive: true });
  const programs = "systemctl journalctl loginctl systemd-sysusers chgrp chmod chown mv";
  for (const name of programs.split(" ")) put(join(bin, name), FAKE, 0o755);
  put(join(state, "show"), "ActiveState=inactive\nNRestarts=0\n");
  put(join(state, "after"), READY);
  put(join(state, "journal"), "");
  put(join(folder, "barnacle"), "program", 0o755);
  put(join(root, "etc/barnacle/config.jsonc"), CONFIG, 0o640);
  put(join(root, "etc/barnacle/credentials/discord_token"), TOKEN, 0o640);
  chmodSync(join(root, "etc/barnacle"), 0o755);
  const env = { PATH: `${bin}:${process.env["PATH"]}`, STATE: state };
  const confirm = answer === undefined ? undefined : async () => await Promise.resolve(answer);
  const io = { ...recordingIo(env), confirm };
  const machine: HostMachine = {
    ...openMachine(env),
    ...{ platform: "linux", uid, user: "ada", home: "/home/ada", root },
    program: join(folder, "barnacle"),
  };
  return {
    ...{ io, root, machine },
    /** Sets what the fake programs answer. */
    set: (name: string, text: string) => put(join(state, name), text),
    text: (path: string) => readFileSync(join(root, path), "utf8"),
    mode: (path: string) => statSync(join(root, path)).mode & 0o777,
    /** Writes a file under the root. @returns Its path. */
    put: (path: string, text: string, mode?: number) => put(join(root, path), text, mode),
    /** Makes a link under the root. */
    link(to: string, path: string) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      symlinkSync(to, join(root, path));
    },
    /** Gives the files of the service to its user, as the fake `chgrp` does not. */
    own() {
      const { gid } = statSync(join(root, "etc/barnacle"));
      put(join(root, "etc/passwd"), `barnacle:x:${gid}:${gid}::/:/\n`);
      put(join(root, "etc/group"), `barnacle:x:${gid}:\n`);
    },
    install: (request?: Partial<Parameters<typeof installService>[0]>) =>
      installService({ yes: true, ...request }, io, machine, TIMES),
    /** Commands that changed the machine. */
    calls: () =>
      readIfAny(join(state, "calls")).split("\n").filter((line) =>
        line !== "" && !/is-enabled|is-active| show |journalctl/.test(line)
      ),
  };
}

export async function onStage(
  play: (stage: Stage) => Promise<void>,
  { uid = 0, answer }: { readonly uid?: number; readonly answer?: boolean } = {},
): Promise<void> {
  using directory = tempDirectory();
  await play(stageIn(directory.path, uid, answer));
}

function readIfAny(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
