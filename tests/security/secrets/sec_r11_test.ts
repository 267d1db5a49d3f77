/** Attacks on the config by its folders, and by files that fill the memory. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { readConfig, readConfigLeniently } from "../../../src/cli/shared/read_config.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const isPosix = process.getuid !== undefined;
const isRoot = process.getuid?.() === 0;

/** The runtime of the binary; Deno cannot tell whether a file system is read-only. */
const BUN = join(import.meta.dirname ?? ".", "..", "..", "..", "node_modules", ".bin", "bun");

/** Whether a test may mount file systems in a namespace of its own. */
function canMount(): boolean {
  try {
    execFileSync("unshare", ["-m", "mount", "--bind", "/tmp", "/tmp"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A private config in a folder with a mode, in a folder above with a mode. */
function written(root: string, mode: number, modeAbove = 0o700): string {
  const folder = join(root, "above", "folder");
  mkdirSync(folder, { recursive: true });
  const config = join(folder, "config.jsonc");
  writeFileSync(config, '{"channels":{"discord":{"dm":{"enabled":false},"token":"${TOKEN}"}}}');
  chmodSync(config, 0o600);
  chmodSync(folder, mode);
  chmodSync(join(root, "above"), modeAbove);
  return config;
}

/** `"kind severity …"` of a config. */
async function told(config: string, insecure = false): Promise<string> {
  const { kind, problems } = await readConfig(config, { TOKEN: "hunter2" }, insecure);
  return [kind, ...problems.map(({ severity }) => severity)].join(" ");
}

describe("[SEC-R11] readConfig() over folders", skipUnless(isPosix, "no permission bits"), () => {
  const cases: readonly (readonly [mode: number, modeAbove: number, told: string])[] = [
    [0o700, 0o700, "loaded"],
    [0o755, 0o755, "loaded"],
    [0o777, 0o700, "refused error"],
    [0o702, 0o700, "refused error"],
    [0o1777, 0o700, "loaded warning"],
    [0o700, 0o777, "refused error"],
    [0o700, 0o1777, "loaded"],
    [0o777, 0o777, "refused error error"],
  ];
  for (const [mode, modeAbove, expected] of cases) {
    it(`gives ${expected} with modes ${mode.toString(8)} and ${modeAbove.toString(8)}`, async () => {
      using root = tempDirectory();
      const config = written(root.path, mode, modeAbove);
      assert.equal(await told(config), expected);
      const insecure = expected.replace("refused", "loaded").replaceAll("error", "warning");
      assert.equal(await told(config, true), insecure);
      assert.equal((await readConfigLeniently(config, {})).kind, "loaded");
    });
  }

  it("checks the folder of a link, and the folder of its target", async () => {
    for (const [modeOfLink, modeOfTarget] of [[0o777, 0o700], [0o700, 0o777]] as const) {
      using root = tempDirectory();
      using other = tempDirectory();
      const target = written(root.path, modeOfTarget);
      const link = join(other.path, "config.jsonc");
      symlinkSync(target, link);
      chmodSync(other.path, modeOfLink);
      assert.equal(await told(link), "refused error");
    }
  });

  it("refuses a folder of another user", skipUnless(isRoot, "no root"), async () => {
    using root = tempDirectory();
    const config = written(root.path, 0o755);
    chownSync(join(root.path, "above", "folder"), 54_321, 54_321);
    assert.equal(await told(config), "refused error");
  });

  it("accepts any mode on a read-only file system", skipUnless(canMount(), "no mounts"), () => {
    using root = tempDirectory();
    const config = written(root.path, 0o777);
    const above = realpathSync(join(root.path, "above"));
    const script = join(
      import.meta.dirname ?? ".",
      "..",
      "..",
      "support",
      "process",
      "told_config.ts",
    );
    const play = [BUN, script, config].map((arg) => `'${arg}'`).join(" ");
    const mount = `mount --bind ${above} ${above} && mount -o remount,bind,ro ${above}`;
    const output = execFileSync("unshare", ["-m", "sh", "-c", `${mount} && ${play}`], {
      encoding: "utf8",
    });
    assert.equal(output.trim(), "loaded");
  });
});

describe("[SEC-R11] readConfig() over files that fill the memory", () => {
  it("refuses a config of more than 5 MiB, and reads the longest one", async () => {
    using root = tempDirectory();
    const config = written(root.path, 0o700);
    truncateSync(config, 5 * 1_024 * 1_024 + 1);
    const { kind, problems } = await readConfig(config, {});
    assert.equal(kind, "refused");
    assert.match(problems[0]?.message ?? "", /^Cannot read the file: it has more than 5120 KiB$/);
    const comment = "€".repeat(1_024 * 1_024 - 20); // three bytes each
    writeFileSync(config, `{"channels":{}}\n//${comment}`);
    assert.equal((await readConfigLeniently(config, {})).kind, "loaded");
  });

  it("reads no secret of more than 64 KiB, and shows nothing of it", async () => {
    using root = tempDirectory();
    const config = join(root.path, "config.jsonc");
    const secret = join(root.path, "token");
    writeFileSync(secret, "hunter2".repeat(10_000));
    writeFileSync(config, '{"channels":{"discord":{"token":{"file":"token"}}}}');
    chmodSync(config, 0o600);
    const text = JSON.stringify((await readConfig(config, {})).problems);
    assert.match(text, /it is too large for a secret/);
    assert.doesNotMatch(text, /hunter2/);
  });

  it(
    "refuses devices as config and as secret",
    skipUnless(existsSync("/dev/zero"), "no device"),
    async () => {
      using root = tempDirectory();
      const device = await readConfig("/dev/zero", {});
      assert.match(device.problems[0]?.message ?? "", /it is no regular file$/);
      const config = join(root.path, "config.jsonc");
      writeFileSync(config, '{"channels":{"discord":{"token":{"file":"/dev/zero"}}}}');
      chmodSync(config, 0o600);
      assert.match(JSON.stringify((await readConfig(config, {})).problems), /no regular file/);
    },
  );
});
