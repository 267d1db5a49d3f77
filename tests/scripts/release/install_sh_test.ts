/** Runs the installer with real shells and tools, against a loopback server with a key of the test. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fillTemplate } from "../../../scripts/release/pack/pack.ts";
import { newSigner } from "../../support/release/signer.ts";
import {
  makeRelease,
  needsRelease,
  type ReleaseServer,
  serveRelease,
  signRelease,
  type SmallRelease,
} from "../../support/release/small_release.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const TEMPLATE = join(import.meta.dirname!, "../../../packaging/install/install.sh");
const PLATFORM = process.arch === "arm64" ? "linux-arm64" : "linux-x64";
/** @returns Empty if it is not installed. */
const whereIs = (name: string): string =>
  spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
const isHere = (name: string): boolean => whereIs(name) !== "";

/** Tools that every system has, and those of its choice. */
const BASE =
  "awk cat chmod command cp cut df dirname env false getconf grep head id ldd ls mkdir mktemp mv printf rm sed sha256sum sh tail tar tr true uname"
    .split(" ");

describe("[SEC-R37] install.sh", needsRelease("curl", "openssl"), () => {
  const place = tempDirectory();
  let release: SmallRelease;
  let server: ReleaseServer;
  let script: string;
  let count = 0;

  before(async () => {
    const folder = join(place.path, "release");
    mkdirSync(folder);
    release = makeRelease(folder, [PLATFORM]);
    server = await serveRelease(folder);
    script = scriptWith({});
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    place[Symbol.dispose]();
  });

  function scriptWith(
    values: { version?: string; releases?: string; publicKey?: string; roomKb?: number },
  ): string {
    const path = join(place.path, `install-${++count}.sh`);
    const text = fillTemplate(readFileSync(TEMPLATE, "utf8"), {
      version: "1.0.0",
      releases: server.address,
      publicKey: release.signer.publicKey,
      roomKb: 100,
      ...values,
    });
    writeFileSync(path, text);
    return path;
  }

  /** A folder with these tools only; a value is the script of a stub. */
  function toolsOf(names: readonly string[], stubs: Readonly<Record<string, string>> = {}): string {
    const folder = join(place.path, `tools-${++count}`);
    mkdirSync(folder);
    for (const name of [...BASE, ...names].filter((name) => !(name in stubs))) {
      const path = whereIs(name);
      if (path.startsWith("/")) symlinkSync(path, join(folder, name));
    }
    for (const [name, text] of Object.entries(stubs)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    return folder;
  }

  interface Run {
    readonly args?: readonly string[];
    readonly shell?: readonly [string, ...string[]];
    readonly tools?: string;
    readonly path?: string;
    /** Names the folder: a busybox of its own applets asks no stub who the user is. */
    readonly asRoot?: boolean;
  }

  /** Runs the installer in a home of its own, where an old program is. */
  async function install({ args = [], shell = ["sh"], tools, path = script, asRoot = false }: Run) {
    const home = join(place.path, `home-${++count}`);
    const bin = join(home, ".local", "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "barnacle"), "the old program");
    const [program, ...first] = shell;
    const child = spawn(whereIs(program), [
      ...first,
      path,
      ...args,
      ...asRoot ? ["--dir", bin] : [],
    ], {
      env: { HOME: home, PATH: tools ?? toolsOf(["curl", "openssl", "xz"], { id: "echo 1000" }) },
    });
    const [out, error] = ["", ""].map(() => [] as Uint8Array[]) as [Uint8Array[], Uint8Array[]];
    child.stdout.on("data", (chunk) => out.push(chunk));
    child.stderr.on("data", (chunk) => error.push(chunk));
    const code = await new Promise((resolve) => child.on("close", resolve));
    const text = (chunks: Uint8Array[]) =>
      chunks.map((chunk) => new TextDecoder().decode(chunk)).join("")
        .replaceAll(bin, "BIN").replaceAll(server.address, "RELEASES").replaceAll(home, "HOME");
    const installed = readFileSync(join(bin, "barnacle"), "utf8");
    assert.deepEqual(readdirSync(bin), ["barnacle"], "nothing else stays");
    return { code, out: text(out), error: text(error), isNew: installed.startsWith("#!/bin/sh") };
  }

  const END = `Checksum: good
Installed: BIN/barnacle (barnacle 1.0.0, a test)
To find it by its name, add this line to ~/.profile, and log in again: export PATH="BIN:$PATH"
Next: BIN/barnacle setup
To uninstall: rm BIN/barnacle (first \`barnacle service uninstall\`, if you installed the service)
`;
  const NOT_CHECKED =
    "Not checked: the maintainer's signature. This machine has neither minisign nor OpenSSL 3.\n";
  const goodBy = (tool: string) => `Signature: good (barnacle v1.0.0; by ${tool})\n`;
  const archive = `Downloading RELEASES/latest/download/barnacle-${PLATFORM}.tar.xz\n`;
  const user = { id: "echo 1000" };

  for (const shell of [["dash"], ["bash", "--posix"], ["bash"], ["busybox", "sh"]] as const) {
    it(
      `installs with ${shell.join(" ")}`,
      skipUnless(isHere(shell[0]), `no ${shell[0]}`),
      async () => {
        const done = await install({ shell, asRoot: shell[0] === "busybox" });
        assert.deepEqual(done, {
          code: 0,
          out: goodBy("openssl") + archive + END,
          error: "",
          isNew: true,
        });
      },
    );
  }

  const CHOICES: Readonly<Record<string, readonly [readonly string[], string, string]>> = {
    "curl and minisign": [["curl", "minisign", "openssl", "xz"], goodBy("minisign"), archive],
    "wget and openssl": [["wget", "openssl", "xz"], goodBy("openssl"), archive],
    "no xz": [["curl", "openssl"], goodBy("openssl"), archive.replace(".tar.xz", "")],
    "no tool for signatures": [["curl", "xz"], NOT_CHECKED, archive],
  };
  for (const [name, [tools, signature, download]] of Object.entries(CHOICES)) {
    const missing = tools.filter((tool) => !isHere(tool));
    it(
      `installs with ${name}`,
      skipUnless(missing.length === 0, `no ${missing.join()}`),
      async () => {
        const done = await install({ tools: toolsOf(tools, user) });
        assert.deepEqual(done, {
          code: 0,
          out: signature + download + END,
          error: "",
          isNew: true,
        });
      },
    );
  }

  it("installs with nothing but busybox", skipUnless(isHere("busybox"), "no busybox"), async () => {
    const tools = join(place.path, "busybox");
    mkdirSync(tools);
    spawnSync("busybox", ["--install", "-s", tools]);
    const done = await install({ tools, shell: [join(tools, "sh")], asRoot: true });
    const download = existsSync(join(tools, "xz")) ? archive : archive.replace(".tar.xz", "");
    assert.deepEqual(done, { code: 0, out: NOT_CHECKED + download + END, error: "", isNew: true });
  });

  it("installs a version, into a folder, from a folder", async () => {
    const dir = join(place.path, "new folder", "bin");
    const args = ["--version", "v1.0.0", "--dir", dir, "--from", release.folder];
    const { code, out, isNew } = await install({ args });
    assert.deepEqual([code, isNew], [0, false]);
    assert.match(out, /^Signature: good .*\nDownloading \/.*\/release\/barnacle-/);
    assert.match(readFileSync(join(dir, "barnacle"), "utf8"), /^#!/);
  });

  it("installs an older release by its version, and a newer one without", async () => {
    for (const [version, args] of [["1.10.0", ["--version", "1.0.0"]], ["0.9.9", []]] as const) {
      const done = await install({ path: scriptWith({ version }), args });
      assert.deepEqual([done.code, done.isNew], [0, true], done.error);
    }
  });

  it("installs into a folder of all users that has the sticky bit", async () => {
    const dir = join(place.path, "sticky");
    mkdirSync(dir);
    chmodSync(dir, 0o1777);
    const { code, error } = await install({ args: ["--dir", dir] });
    assert.deepEqual([code, error], [0, ""]);
  });

  it("names the version in the address", async () => {
    server.requests.length = 0;
    assert.equal((await install({ args: ["--version", "1.0.0"] })).code, 0);
    assert.deepEqual(
      new Set(server.requests.map((path) => path.replace(/[^/]*$/, ""))),
      new Set(["/releases/download/v1.0.0/"]),
    );
  });

  it("asks for nothing and changes nothing in a dry run", async () => {
    server.requests.length = 0;
    const { out, isNew } = await install({ args: ["--dry-run"] });
    const lines = [
      `Would download RELEASES/latest/download/barnacle-${PLATFORM}.tar.xz`,
      "Would check its signature by: openssl",
      "Would try it, and install it as BIN/barnacle",
      "",
    ];
    assert.deepEqual([out.split("\n"), isNew, server.requests], [lines, false, []]);
  });

  it("does nothing if the script itself was cut", async () => {
    const text = readFileSync(script, "utf8");
    server.requests.length = 0;
    for (let part = 1; part <= 20; part++) {
      const path = join(place.path, `cut-${part}.sh`);
      const end = part === 20 ? text.lastIndexOf("main") : Math.floor(text.length * part / 20);
      writeFileSync(path, text.slice(0, end));
      assert.equal((await install({ path, shell: ["dash"] })).isNew, false);
    }
    assert.deepEqual(server.requests, []);
  });

  const WRONG: readonly (readonly [readonly string[], string])[] = [
    [["--foo"], "there is no option --foo"],
    [["extra"], "there is no option extra"],
    [["--dir"], "--dir needs a value"],
    [["--version", ""], "--version needs a value"],
    [["--version", "../../x"], "../../x is no version"],
  ];
  for (const [args, words] of WRONG) {
    it(`refuses ${JSON.stringify(args)}`, async () => {
      const error = `install.sh: ${words}; see sh install.sh --help.\n`;
      assert.deepEqual(await install({ args }), { code: 2, out: "", error, isNew: false });
    });
  }

  it("asks root for a folder", async () => {
    const { code, error } = await install({ tools: toolsOf(["curl"], { id: "echo 0" }) });
    assert.equal(code, 2);
    assert.match(error, /you are root, .* name a folder, such as --dir \/usr\/local\/bin; see/);
  });

  describe("on other machines", () => {
    const musl = { ldd: "echo 'musl libc (x86_64)' >&2; exit 1" };
    const uname = (system: string, cpu: string) => ({
      uname: `[ "$1" = -s ] && echo ${system} || echo ${cpu}`,
    });
    const MACHINES: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [uname("Linux", "x86_64"), /barnacle-linux-x64\.tar/],
      [uname("Linux", "aarch64"), /barnacle-linux-arm64\.tar/],
      [uname("Darwin", "arm64"), /barnacle-darwin-arm64\.tar/],
      [{ ...uname("Darwin", "x86_64"), sysctl: "echo 0" }, /barnacle-darwin-x64\.tar/],
      [{ ...uname("Darwin", "x86_64"), sysctl: "echo 1" }, /barnacle-darwin-arm64\.tar/],
      [
        { ...uname("Linux", "x86_64"), ...musl },
        /^install\.sh: Barnacle needs libstdc\+\+ here: as root, run `apk add libstdc\+\+`, and then this script again\.\n$/,
      ],
      [{ ...uname("Linux", "aarch64"), getconf: "echo 32" }, /this system has 32 bits, and/],
      [uname("Linux", "armv7l"), /no program for the processor armv7l, only for x64 and arm64/],
      [uname("FreeBSD", "amd64"), /no program for FreeBSD here; on Windows, use install\.ps1/],
    ];
    for (const [stubs, words] of MACHINES) {
      it(`says ${words.source.slice(0, 60)}`, async () => {
        const tools = toolsOf(["curl", "xz"], { getconf: "echo 64", ...user, ...stubs });
        const { out, error } = await install({ args: ["--dry-run"], tools });
        assert.match(error || out, words);
      });
    }
  });

  describe("keeps the old program, and says in one sentence what to do,", () => {
    /** Each prepares a failure, and returns what differs from a good run. */
    interface Failure {
      readonly words: RegExp;
      readonly prepare: () => Run | Promise<Run>;
    }
    const copy = (change: (folder: string) => void): Run => {
      const folder = join(place.path, `bad-${++count}`);
      spawnSync("cp", ["-r", release.folder, folder]);
      change(folder);
      return { args: ["--from", folder] };
    };
    const withProgram = (script: string): Run => {
      const folder = join(place.path, `bad-${++count}`);
      mkdirSync(folder);
      makeRelease(folder, [PLATFORM], { script, signer: release.signer });
      return { args: ["--from", folder] };
    };
    const cut = (name: string): Run => {
      server.fault = (asked, response) => {
        if (asked !== name) return false;
        response.writeHead(200, { "content-length": "100000" });
        response.write("half");
        setTimeout(() => response.destroy(), 50);
        return true;
      };
      return {};
    };
    const file = `barnacle-${PLATFORM}.tar.xz`;
    const wrongSignature =
      /the signature of \S+\/SHA256SUMS is wrong, so do not use this download; try again, and if it stays so, tell the maintainers; nothing was changed/;
    const FAILURES: Readonly<Record<string, Failure>> = {
      "without a network": {
        words:
          /cannot reach http:\/\/127\.0\.0\.1:1\/latest\/download\/SHA256SUMS \(curl-7\); look at the network, and run this again; nothing was changed/,
        prepare: () => ({ path: scriptWith({ releases: "http://127.0.0.1:1" }) }),
      },
      "without a network, with wget": {
        words:
          /cannot reach http:\/\/127\.0\.0\.1:1\/latest\/download\/SHA256SUMS \(wget-4\); look/,
        prepare: () => ({
          path: scriptWith({ releases: "http://127.0.0.1:1" }),
          tools: toolsOf(["wget", "openssl"], user),
        }),
      },
      "without curl and wget": {
        words: /this machine has neither curl nor wget; install one of them/,
        prepare: () => ({ tools: toolsOf(["openssl"], user) }),
      },
      "if there is no such version": {
        words:
          /RELEASES\/download\/v9\.9\.9\/SHA256SUMS does not exist or is refused; look at --version and --from; nothing was changed/,
        prepare: () => ({ args: ["--version", "9.9.9"] }),
      },
      "if the connection was cut": {
        words:
          /the download of RELEASES\/latest\/download\/\S+ was cut; run this again; nothing was changed/,
        prepare: () => cut(file),
      },
      "if the folder to install from lacks the file": {
        words:
          /cannot copy \S+\/SHA256SUMS to \S+; look at --from, and at the room there; nothing was changed/,
        prepare: () => ({ args: ["--from", "/nowhere"] }),
      },
      "if half the program came": {
        words:
          /the download of \S+ is damaged or cut: its checksum is not the one of the release; run this again; nothing was changed/,
        prepare: () => copy((folder) => truncateSync(join(folder, file), 100)),
      },
      "if the release has another program": {
        words: /the download of \S+ is damaged or cut/,
        prepare: () => copy((folder) => writeFileSync(join(folder, file), "evil")),
      },
      "if the list is signed with another key, by openssl": {
        words: wrongSignature,
        prepare: () => copy((folder) => signRelease(folder, newSigner(), "1.0.0")),
      },
      "if the signature is an error page": {
        words: wrongSignature,
        prepare: () =>
          copy((folder) =>
            writeFileSync(join(folder, "SHA256SUMS.minisig"), "<html>\n<p>\nx\ny\n")
          ),
      },
      "if the comment was changed": {
        words: wrongSignature,
        prepare: () =>
          copy((folder) => {
            const path = join(folder, "SHA256SUMS.minisig");
            writeFileSync(path, readFileSync(path, "utf8").replace("v1.0.0", "v1.0.1"));
          }),
      },
      "if the list was changed": {
        words: wrongSignature,
        prepare: () =>
          copy((folder) => writeFileSync(join(folder, "SHA256SUMS"), "0  x\n", { flag: "a" })),
      },
      "if the place has another version": {
        words: /\S+ has another release \("barnacle v1\.0\.0"\) than 1\.0\.1; nothing was changed/,
        prepare: () => ({ args: ["--version", "1.0.1", "--from", release.folder] }),
      },
      "if an old release is in the place of the newest one": {
        words:
          /RELEASES\/latest\/download has only "barnacle v1\.0\.0", and this script is of 1\.10\.0, so that place is out of date; to install the old one all the same, add --version 1\.0\.0; nothing was changed/,
        prepare: () => ({ path: scriptWith({ version: "1.10.0" }) }),
      },
      "if the release has no program for this machine": {
        words:
          /cannot copy \S+\/barnacle-\S+ to \S+; look at --from, .+; nothing was changed|this release has no barnacle/,
        prepare: () =>
          copy((folder) => {
            spawnSync("rm", [join(folder, file)]);
            signRelease(folder, release.signer, "1.0.0");
          }),
      },
      "without room": {
        words:
          /BIN needs 976562500 MB of room and has \d+; make room, or name another folder with --dir; nothing was changed/,
        prepare: () => ({ path: scriptWith({ roomKb: 1e12 }) }),
      },
      "if every user may write to the folder": {
        words:
          /every user may write to \S+shared, and could exchange the program; run `chmod o-w \S+shared` first, or name another folder with --dir; nothing was changed/,
        prepare: () => {
          const shared = join(place.path, "shared");
          mkdirSync(shared);
          chmodSync(shared, 0o777);
          return { args: ["--dir", shared] };
        },
      },
      "if it may not write there": {
        words: /you may not write to \/proc\/barnacle; name another folder with --dir/,
        prepare: () => ({ args: ["--dir", "/proc/barnacle"] }),
      },
      "if the new program does not start": {
        words: /the new program does not start here: no such library; nothing was changed/,
        prepare: () => withProgram("echo no such library >&2; exit 1"),
      },
      "if the processor is too old": {
        words: /this processor is too old for Barnacle: it lacks AVX2; nothing was changed/,
        prepare: () => withProgram("kill -ILL $$"),
      },
      "if it is only the template": {
        words: /this is the template; a release has the script that works/,
        prepare: () => ({ path: TEMPLATE }),
      },
    };
    for (const [name, { words, prepare }] of Object.entries(FAILURES)) {
      const canRun = !name.endsWith("with wget") || isHere("wget");
      it(name, skipUnless(canRun, "install.sh with wget: no wget"), async () => {
        const run = await prepare();
        try {
          const { code, error, isNew } = await install(run);
          assert.match(error, words);
          assert.match(error, /^install\.sh: [^\n]+\.\n$/, "one sentence");
          assert.deepEqual([code, isNew], [1, false]);
        } finally {
          server.fault = () => false;
        }
      });
    }

    it("if minisign finds another key", skipUnless(isHere("minisign"), "no minisign"), async () => {
      const path = scriptWith({ publicKey: newSigner().publicKey });
      const { error } = await install({ path, tools: toolsOf(["curl", "minisign", "xz"], user) });
      assert.match(error, wrongSignature);
    });
  });
});
