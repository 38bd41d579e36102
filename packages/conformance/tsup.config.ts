import { library } from "../../tsup.shared.js";

/** Vitest can be imported only: in CJS the functions that declare tests say so, and all else works. */
const withoutVitest = {
  name: "without-vitest",
  setup(build: {
    readonly initialOptions: { readonly define?: Readonly<Record<string, string>> };
    onResolve(
      filter: { readonly filter: RegExp },
      resolve: (from: { readonly resolveDir: string }) => { readonly path: string } | undefined,
    ): void;
  }) {
    // Not esbuild's format: both builds are ES modules to it.
    if (build.initialOptions.define?.TSUP_FORMAT !== '"cjs"') return;
    build.onResolve({ filter: /^\.\/runner\.js$/ }, ({ resolveDir }) => ({
      path: `${resolveDir}/runner-required.ts`,
    }));
  },
};

export default library({ esbuildPlugins: [withoutVitest] });
