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
import { type RecordedIo, recordingIo } from "../../cli/io.ts";
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

export interface Stage {
  readonly machine: HostMachine;
  readonly io: RecordedIo;
  readonly root: string;
  /** Sets what the fake programs answer. */
  readonly set: (name: string, text: string) => void;
  /** Commands that changed the machine. */
  readonly calls: () => readonly string[];
  /** Texts under the root. */
  readonly text: (path: string) => string;
  readonly mode: (path: string) => number;
  /** Writes a file under the root. @returns Its path. */
  readonly put: (path: string, text: string, mode?: number) => string;
  /** Makes a link under the root. */
  readonly link: (to: string, path: string) => void;
  /** Gives the files of the service to its user, as the fake `chgrp` does not. */
  readonly own: () => void;
  readonly install: (request?: Partial<Parameters<typeof installService>[0]>) => Promise<number>;
}

/** Times of a wait for the bot. */
export const TIMES = { stepMs: 1, readyMs: 2_000, settleMs: 50 };

export async function onStage(
  play: (stage: Stage) => Promise<void>,
  { uid = 0, answer }: { readonly uid?: number; readonly answer?: boolean } = {},
): Promise<void> {
  using directory = tempDirectory();
  const root = join(directory.path, "root");
  const bin = join(directory.path, "bin");
  const state = join(directory.path, "state");
  const put = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  };
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  mkdirSync(join(root, "etc/systemd/system"), { recursive: true });
  const programs = "systemctl journalctl loginctl systemd-sysusers chgrp chmod chown mv";
  for (const name of programs.split(" ")) put(join(bin, name), FAKE, 0o755);
  put(join(state, "show"), "ActiveState=inactive\nNRestarts=0\n");
  put(join(state, "after"), READY);
  put(join(state, "journal"), "");
  put(join(directory.path, "barnacle"), "program", 0o755);
  put(join(root, "etc/barnacle/config.jsonc"), CONFIG, 0o640);
  put(join(root, "etc/barnacle/credentials/discord_token"), TOKEN, 0o640);
  chmodSync(join(root, "etc/barnacle"), 0o755);
  const env = { PATH: `${bin}:${process.env["PATH"]}`, STATE: state };
  const confirm = answer === undefined ? undefined : async () => await Promise.resolve(answer);
  const io = { ...recordingIo(env), confirm };
  const machine: HostMachine = {
    ...openMachine(env),
    ...{ platform: "linux", uid, user: "ada", home: "/home/ada", root },
    program: join(directory.path, "barnacle"),
  };
  await play({
    ...{ io, root, machine },
    set: (name, text) => put(join(state, name), text),
    text: (path) => readFileSync(join(root, path), "utf8"),
    mode: (path) => statSync(join(root, path)).mode & 0o777,
    put(path, text, mode) {
      put(join(root, path), text, mode);
      return join(root, path);
    },
    link(to, path) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      symlinkSync(to, join(root, path));
    },
    own() {
      const { gid } = statSync(join(root, "etc/barnacle"));
      put(join(root, "etc/passwd"), `barnacle:x:${gid}:${gid}::/:/\n`);
      put(join(root, "etc/group"), `barnacle:x:${gid}:\n`);
    },
    install: (request) => installService({ yes: true, ...request }, io, machine, TIMES),
    calls: () =>
      readIfAny(join(state, "calls")).split("\n").filter((line) =>
        line !== "" && !/is-enabled|is-active| show |journalctl/.test(line)
      ),
  });
}

function readIfAny(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
