"""Pictures with one class each: their folders, the form that they are taken in, and what training needs of them."""
