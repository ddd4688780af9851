/** Style sheets come in as minified text. */
declare module '*.css' {
  const css: string;
  export default css;
}
