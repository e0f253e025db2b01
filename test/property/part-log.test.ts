import fc from "fast-check";
import { expect, test } from "vitest";
import { ABSENT, PartView } from "../../runtime/core/part-log.ts";

const stored = new Map<string, unknown>([
  ["a", 1],
  ["b", 2],
]);
const source = {
  read: (name: string) => (stored.has(name) ? stored.get(name) : ABSENT),
  names: (prefix: string) => [...stored.keys()].filter((name) => name.startsWith(prefix)),
};

const step = fc.record({ from: fc.nat(), name: fc.constantFrom("a", "b", "c", "d"), value: fc.option(fc.integer()) });

test("every view keeps showing what it showed, whichever views grew from it", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const views = [{ view: new PartView(source), model: new Map(stored) }];
      for (const { from, name, value } of steps) {
        const parent = views[from % views.length];
        if (parent === undefined) continue;
        const model = new Map(parent.model);
        if (value === null) model.delete(name);
        else model.set(name, value);
        views.push({ view: value === null ? parent.view.without(name) : parent.view.with(name, value), model });
      }
      for (const { view, model } of views) {
        for (const name of ["a", "b", "c", "d"]) expect(view.get(name)).toEqual(model.get(name));
        expect(view.names()).toEqual([...model.keys()].sort());
        for (const [name, value] of view.changes())
          expect(value === ABSENT ? undefined : value).toEqual(model.get(name));
      }
    }),
  );
});
