//! Data sets and augmentations: a table of the classes, and pictures.

use lab_core::text::thousands;

use crate::prelude::*;
use crate::show::View;
use crate::table::Table;

/// Size, shape, the number of images of each class (of the first ten, where there are more), and an image of each.
impl Show for Dataset {
    fn view(&self) -> View {
        let more = self.class_count() > 10;
        let caption = format!(
            "{self:?}{}",
            if more { ", the first 10 classes" } else { "" }
        );
        let mut table = Table::new(caption, &["class", "images"]);
        let counts = self.class_names().iter().zip(self.class_counts());
        for (name, count) in counts.take(10) {
            table.row(vec![name.clone(), thousands(count)]);
        }
        let mut view = table.view();
        if let Ok(figure) = figures::thumbnails(self) {
            view.html += &figure.to_html();
        }
        view
    }
}

/// The training images and the test images.
impl Show for Cifar10 {
    fn view(&self) -> View {
        let (train, test) = (self.train.view(), self.test.view());
        let text = format!("{}\n\n{}", train.text, test.text);
        View::new(train.html + &test.html, text)
    }
}

/// An image before, and five times after.
impl Show for Augmentation {
    fn view(&self) -> View {
        View::picture(figures::before_and_after(self), self)
    }
}
