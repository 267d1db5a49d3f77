/** Prints the text that `readBounded()` reads from a path, such as `/dev/stdin`. */

import process from "node:process";
import { readBounded } from "../../../src/host/files/read_bounded.ts";

const [path = "/dev/stdin"] = process.argv.slice(2);
console.log(readBounded(path, { maxBytes: 10, acceptsPipes: true }));
