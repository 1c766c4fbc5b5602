// Every test, in one process: one adit, one browser, a new page for each test.

import { after, before, describe } from "node:test";
import { end, world } from "./world.mjs";

before(world);
after(end);

for (const part of ["source", "list", "filters", "detail", "replay", "har", "compare", "messages", "status", "access", "hostile", "scale"]) {
  const { default: tests } = await import(`./tests/${part}.mjs`);
  describe(part, { concurrency: 1 }, tests);
}
