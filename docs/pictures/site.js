// A table or a picture that is wider than a phone scrolls: by the keyboard, too.
// The buttons beside a sample are regions of a page to the theme: each has a name of its own.
const reach = () => {
  document.querySelectorAll(":is(.md-typeset__scrollwrap, article p:has(> img[src$='.svg'])):not([tabindex])").forEach(each => { each.tabIndex = 0; });
  document.querySelectorAll(".md-code__nav:not([aria-label])").forEach((each) => {
    each.setAttribute("aria-label", `Sample ${document.querySelectorAll(".md-code__nav[aria-label]").length + 1}`);
  });
};
new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
reach();
