/** Tests command lines that `barnacle demo` refuses before it starts anything. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demo, type Greeting, greetingLines } from "../../../src/extras/demo/demo.ts";
import { sshLines } from "../../../src/cli/terminal/ssh_lines.ts";
import { EXIT } from "../../../src/cli/shared/exit_code.ts";
import { recordingIo } from "../../cli/io.ts";
import { SCRIPT } from "../../../src/extras/demo/models.ts";

describe("[O5] demo()", () => {
  it("refuses --config with --script, whose scenes have configs of their own", async () => {
    const io = recordingIo({});
    const flags = { config: "config.jsonc", json: false, port: 8787, script: true };
    assert.equal(await demo(flags, io), EXIT.usage);
    assert.match(io.stderr.join("\n"), /--script .+ --config/);
  });
});

const FACTS: Greeting = {
  addresses: ["http://127.0.0.1:8787/"],
  port: 8787,
  isOpen: false,
  dataDir: "/tmp/barnacle-1",
  notes: [],
  models: [SCRIPT],
  model: SCRIPT,
};

const SSH = "203.0.113.5 50122 192.0.2.7 22";

describe("[O5] sshLines()", () => {
  it("has the command that reaches the page over the user's SSH session", () => {
    const [command] = sshLines({ SSH_CONNECTION: SSH, USER: "pi" }, 8788);
    assert.equal(command, "ssh -L 8788:127.0.0.1:8788 pi@192.0.2.7");
  });

  it("names another port of the SSH server, and needs no user name", () => {
    const [command] = sshLines({ SSH_CONNECTION: "::1 50122 2001:db8::7 2222" }, 8787);
    assert.equal(command, "ssh -L 8787:127.0.0.1:8787 -p 2222 2001:db8::7");
  });

  it("has no line outside of SSH", () => {
    for (const value of [undefined, "", "nonsense"]) {
      assert.deepEqual(sshLines({ SSH_CONNECTION: value }, 8787), []);
    }
  });
});

describe("[O5] greetingLines()", () => {
  it("prints the SSH command only for a page that the other computer cannot reach", () => {
    const env = { SSH_CONNECTION: SSH };
    assert.match(greetingLines(FACTS, env).join("\n"), /\n {2}ssh {5}ssh -L 8787/);
    const open = { ...FACTS, isOpen: true, addresses: ["http://192.0.2.7:8787/#key"] };
    const text = greetingLines(open, env).join("\n");
    assert.ok(!text.includes("ssh -L"));
    assert.match(text, /192\.0\.2\.7:8787\/#key\n +Each person with this address can use/);
  });
});
