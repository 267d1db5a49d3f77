/**
 * Barnacle's entry point: runs one command with the arguments, and exits with its code.
 *
 * @module
 */

import { main } from "./cli/app.ts";

void main();
