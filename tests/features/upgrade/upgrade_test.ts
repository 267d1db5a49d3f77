import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import type { HostMachine } from "../../../src/features/service/machine.ts";
import { upgrade, type UpgradeFlags } from "../../../src/features/upgrade/upgrade.ts";
import { VERSION } from "../../../src/version.ts";
import { recordingIo } from "../../cli/io.ts";
import { newSigner } from "../../support/release/signer.ts";
import { serveRelease } from "../../support/release/small_release.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NAME = `barnacle-${process.platform}-${process.arch}`;
const NEXT = "99.0.0";

const READY = "ActiveState=active\nSubState=running\nNRestarts=0\nStatusText=pass  running\n";
const FAILED = "ActiveState=failed\nSubState=failed\nNRestarts=0\nExecMainCode=1\n" +
  "ExecMainStatus=78\nResult=exit-code\n";

/** An installed program with a service of this user, and a signed release of the next version. */
function stageIn(root: string, { isActive = true, shown = READY, uid = 1_000 }) {
  const release = join(root, "release");
  const program = join(root, "home/ada/.local/bin/barnacle");
  for (const folder of [release, dirname(program), join(root, "run/systemd/system")]) {
    mkdirSync(folder, { recursive: true });
  }
  writeFileSync(program, "old", { mode: 0o755 });
  const own = newSigner();
  const calls: string[] = [];
  const machine: HostMachine = {
    platform: "linux",
    env: {},
    uid,
    user: "ada",
    home: "/home/ada",
    root,
    program,
    async run(argv) {
      const words = argv.join(" ");
      if (/ (?:stop|start|restart) /.test(words)) calls.push(words);
      const code = words.includes("is-active") && !isActive ? 3 : 0;
      return await Promise.resolve({ code, stdout: / show /.test(words) ? shown : "", stderr: "" });
    },
  };
  /** Writes the release: its program, the signed list, and the comment of its signature. */
  function issue({ version = NEXT, listed = "new", signer = own } = {}): void {
    writeFileSync(join(release, NAME), "new");
    const sum = createHash("sha256").update(listed).digest("hex");
    const sums = new TextEncoder().encode(`${sum}  ${NAME}\n`);
    writeFileSync(join(release, "SHA256SUMS"), sums);
    writeFileSync(join(release, "SHA256SUMS.minisig"), signer.sign(sums, `barnacle v${version}`));
  }
  issue();
  return {
    ...{ release, program, calls, issue },
    async run(flags: Partial<UpgradeFlags> = {}) {
      const io = recordingIo();
      const all = { json: false, check: false, from: release, ...flags };
      const code = await upgrade(all, io, machine, own.publicKey);
      return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n") };
    },
  };
}

type Stage = ReturnType<typeof stageIn>;

async function onStage(play: (stage: Stage) => Promise<void>, differs = {}): Promise<void> {
  using directory = tempDirectory();
  await play(stageIn(directory.path, differs));
}

const textOf = (path: string) => readFileSync(path, "utf8");

describe("[O13] barnacle upgrade", skipUnless(process.platform === "linux", "no Linux"), () => {
  it("exchanges the program, keeps the old one, and restarts the service", () =>
    onStage(async ({ program, calls, run }) => {
      const looked = await run({ check: true });
      assert.deepEqual([looked.code, looked.out], [
        3,
        `Barnacle ${NEXT} is available; this is ${VERSION}.`,
      ]);
      assert.equal(textOf(program), "old");
      const { code, out, err } = await run();
      assert.equal(code, 0, err);
      assert.equal(out, `Barnacle ${NEXT} runs. To go back: mv ${program}.previous ${program}`);
      assert.deepEqual(
        readdirSync(dirname(program)).map((name) => [name, textOf(join(dirname(program), name))]),
        [["barnacle", "new"], ["barnacle.previous", "old"]],
      );
      assert.equal(statSync(program).mode & 0o777, 0o755);
      assert.deepEqual(calls, [
        "systemctl --user stop barnacle.service",
        "systemctl --user start --no-block barnacle.service",
      ]);
    }));

  it("says why the new program does not start, and how to go back", () =>
    onStage(async ({ program, run }) => {
      const { code, err } = await run();
      assert.equal(code, 3);
      assert.match(err, /99\.0\.0 is installed, but the bot ended: 78: invalid config/);
      assert.ok(err.includes(`To go back: \`mv ${program}.previous ${program}\`, and restart`));
      assert.equal(textOf(`${program}.previous`), "old");
    }, { shown: FAILED }));

  it("leaves a bot without a service alone, and says that it needs a restart", () =>
    onStage(async ({ calls, run }) => {
      assert.match((await run()).out, /^Barnacle 99\.0\.0 is installed; restart a running bot\./);
      assert.deepEqual(calls, []);
    }, { isActive: false }));

  it("installs an older release only if it is named", () =>
    onStage(async ({ program, issue, run }) => {
      issue({ version: "0.0.1" });
      const { code, out } = await run();
      assert.deepEqual([code, out], [
        0,
        `Barnacle ${VERSION} is installed; the newest release is 0.0.1.`,
      ]);
      assert.match((await run({ to: "0.0.2" })).err, /the release is 0\.0\.1, not 0\.0\.2/);
      assert.equal(textOf(program), "old");
      assert.equal((await run({ to: "v0.0.1" })).code, 0);
      assert.equal(textOf(program), "new");
    }));

  it("reads a release from an address", () =>
    onStage(async ({ release, program, run }) => {
      await using server = await serveRelease(release);
      const from = `${server.address}/latest/download/`;
      assert.equal((await run({ from })).code, 0);
      assert.equal(textOf(program), "new");
      server.fault = (_name, response) => {
        response.writeHead(500).end();
        return true;
      };
      const { code, err } = await run({ from });
      assert.equal(code, 75);
      assert.match(err, /SHA256SUMS answers 500; nothing was changed/);
    }));

  const refusals: Readonly<
    Record<string, readonly [(stage: Stage) => void, code: number, says: RegExp]>
  > = {
    "a list of another key": [
      ({ issue }) => issue({ signer: newSigner() }),
      1,
      /do not trust .*: the signature is of the key .*; nothing was changed/,
    ],
    "a changed list": [
      ({ release }) => writeFileSync(join(release, "SHA256SUMS"), ""),
      1,
      /do not trust .*: the file is not the one that was signed/,
    ],
    "a signature of another file": [
      ({ issue }) => issue({ version: "x" }),
      1,
      /the signature is of "barnacle vx", which is no release/,
    ],
    "another program than the list's": [
      ({ issue }) => issue({ listed: "other" }),
      1,
      /the download is not the program of the list: its SHA-256 is [0-9a-f]{64}, and the list says/,
    ],
    "a missing program": [
      ({ release }) => rmSync(join(release, NAME)),
      74,
      /cannot read .*barnacle-linux-\S+ \(ENOENT\); nothing was changed/,
    ],
    "a folder that every user may write": [
      ({ program }) => chmodSync(dirname(program), 0o777),
      1,
      /stays as it is: every user may write to/,
    ],
  };
  for (const [what, [change, code, says]] of Object.entries(refusals)) {
    it(`refuses ${what}, and changes nothing`, () =>
      onStage(async (stage) => {
        change(stage);
        const refused = await stage.run();
        assert.equal(refused.code, code, refused.err);
        assert.match(refused.err, says);
        assert.equal(textOf(stage.program), "old");
        assert.deepEqual(readdirSync(dirname(stage.program)), ["barnacle"]);
        assert.deepEqual(stage.calls, []);
      }));
  }
});
