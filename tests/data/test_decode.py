"""One decoder: orientation, bit depths and modes; what is not a whole image is named."""

from __future__ import annotations

import numpy as np
import pytest
import simplejpeg
from PIL import Image
from support.image_folders import smooth
from support.shared_data import shared_data
from torchvision.io import ImageReadMode, decode_jpeg, read_file

from inceptionctl.data.decode import PlainJpeg, decode, suffixes
from inceptionctl.data.jpeg_header import size_of_plain_jpeg
from inceptionctl.data.lazy_image import DecodedImage
from inceptionctl.errors import DataError

GREY_16 = np.linspace(0, 65535, 40 * 30).reshape(30, 40).astype(np.uint16)
EIGHT = (GREY_16 >> 8).astype(np.uint8)


def decoded(path):
    return np.asarray(decode(path))


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm", "jp2"])
def test_sixteen_bits_are_read_by_their_upper_eight(suffix, tmp_path):
    """As viewers show them; Pillow's own conversion to RGB clips them to white."""
    Image.fromarray(GREY_16).save(tmp_path / f"a.{suffix}")
    assert (decoded(tmp_path / f"a.{suffix}") == EIGHT[:, :, None]).all()


def test_twelve_bits_of_a_tiff_are_read_by_their_upper_eight(tmp_path):
    """A file by hand: one row of two samples, 0xFFF and 0x100, packed in three bytes."""
    tags = [(256, 3, 2), (257, 3, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 3, 1), (279, 4, 3)]
    entries = b"".join(
        tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + (1).to_bytes(4, "little") + value.to_bytes(4, "little")
        for tag, kind, value in tags
    )
    head = b"II*\x00" + (12).to_bytes(4, "little") + b"\xff\xf1\x00\x00"
    (tmp_path / "a.tif").write_bytes(head + len(tags).to_bytes(2, "little") + entries + bytes(4))
    assert decoded(tmp_path / "a.tif")[0, :, 0].tolist() == [0xFF, 0x10]


@pytest.mark.parametrize(("values", "kind"), [(np.int32, "integers"), (np.float32, "floating point")])
def test_32_bit_values_are_refused_by_name(values, kind, tmp_path):
    Image.fromarray(GREY_16.astype(values)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=rf"a\.tif cannot be read: its values are 32-bit {kind} .* convert it to 8 or"):
        decode(tmp_path / "a.tif")


LAYOUTS = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "4:1:1": {"subsampling": "4:1:1"},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True, "quality": 30},
    "restarts": {"restart_marker_rows": 1},
    "RGB": {"keep_rgb": True},
}


def by_pillow(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def by_torchvision(path):
    return decode_jpeg(read_file(str(path)), ImageReadMode.RGB).permute(1, 2, 0).numpy()


@pytest.mark.filterwarnings("ignore:The image decoding")  # torchvision will give its decoder up
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(64, 48), (61, 37), (17, 16), (1, 3)])
def test_every_decoder_of_jpeg_gives_the_same_bits(layout, size, tmp_path):
    """All of them are libjpeg-turbo; which one a machine has is no part of a result."""
    smooth(5, size).save(path := tmp_path / "a.jpg", **LAYOUTS[layout])
    assert np.array_equal(decoded(path), by_pillow(path))
    assert np.array_equal(decoded(path), by_torchvision(path))


def test_a_grey_jpeg_has_three_equal_channels(tmp_path):
    smooth(5).convert("L").save(path := tmp_path / "a.jpg")
    assert np.array_equal(decoded(path), by_pillow(path))


@pytest.mark.filterwarnings("ignore:The image decoding")
def test_photographs_are_decoded_to_the_same_bits():
    for path in sorted(shared_data("imagenet_sample").glob("*/*"))[::3]:
        if orientation(path) == 1:
            assert np.array_equal(decoded(path), by_pillow(path)), path.name
            assert np.array_equal(decoded(path), by_torchvision(path)), path.name


def orientation(path):
    with Image.open(path) as image:
        return image.getexif().get(0x0112, 1)


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_a_cut_jpeg_is_refused_as_pillow_refuses_it(cut, tmp_path):
    smooth(5, (200, 200)).save(path := tmp_path / "a.jpg")
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
    with pytest.raises(DataError, match=r"a\.jpg cannot be read: image file is truncated"):
        decode(path)


def test_bytes_that_do_not_belong_are_passed_over_as_pillow_does(tmp_path):
    """simplejpeg refuses them, and Pillow is asked."""
    smooth(5, (200, 200)).save(path := tmp_path / "a.jpg")
    data = path.read_bytes()
    at = data.index(b"\xff\xda")  # before the scan
    path.write_bytes(data[:at] + b"\x00\x00" + data[at:])
    with pytest.raises(ValueError, match="extraneous bytes"):
        simplejpeg.decode_jpeg(path.read_bytes(), "RGB", strict=True)
    assert np.array_equal(decoded(path), by_pillow(path))


HEADERS = {  # segments that libjpeg passes over in silence, and Pillow does not
    "a short JFIF segment": b"\xff\xe0\x00\x08JFIF\x00\x01",
    "a part of a colour profile without a number": b"\xff\xe2\x00\x0eICC_PROFILE\x00",
    "a marker that stands alone": b"\xff\x01",
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_pillow_refuses_is_refused(header, tmp_path):
    smooth(5).save(path := tmp_path / "a.jpg")
    data = path.read_bytes()
    path.write_bytes(data[:2] + HEADERS[header] + data[2:])
    assert simplejpeg.decode_jpeg(path.read_bytes(), "RGB").shape == (48, 48, 3)
    with pytest.raises(DataError, match=r"a\.jpg cannot be read: it is of no format that is read"):
        decode(path)


def test_the_size_of_a_plain_jpeg_is_known_before_it_is_decoded(tmp_path, monkeypatch):
    smooth(5, (61, 37)).save(path := tmp_path / "a.jpg")
    data, whole = path.read_bytes(), decoded(path)
    assert size_of_plain_jpeg(data) == (61, 37)
    image = PlainJpeg(data, "a", (61, 37))
    assert np.array_equal(image.crop((3, 5, 50, 36)), whole[5:36, 3:50])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 61 * 37 - 1)
    assert size_of_plain_jpeg(data) is None


def with_exif(orientation):
    def save(image, path):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.save(path, "JPEG", exif=exif)

    return save


def with_xmp(orientation):
    """As Adobe's programs write it, without EXIF."""

    def save(image, path):
        image.save(path, "JPEG", xmp=f'<rdf:Description tiff:Orientation="{orientation}"/>'.encode())

    return save


UPRIGHT = {
    "EXIF, upright": with_exif(1),
    "EXIF of no meaning": with_exif(0),
    "EXIF beyond 8": with_exif(9),
    "XMP, upright": with_xmp(1),
}
NOT_PLAIN = {
    "EXIF, turned": with_exif(6),
    "XMP, turned": with_xmp(3),
    "CMYK": lambda image, path: image.convert("CMYK").save(path, "JPEG"),
    "several images": lambda image, path: image.save(path, "MPO", save_all=True, append_images=[image]),
    "PNG": lambda image, path: image.save(path, "PNG"),
    "text": lambda image, path: path.write_text("hello"),
}


@pytest.mark.parametrize("kind", UPRIGHT)
def test_a_photograph_that_is_stored_upright_is_a_plain_jpeg(kind, tmp_path):
    """Cameras write EXIF into every file."""
    UPRIGHT[kind](smooth(5, (61, 37)), path := tmp_path / "a")
    assert size_of_plain_jpeg(path.read_bytes()) == (61, 37)
    assert np.array_equal(decoded(path), by_pillow(path))


@pytest.mark.parametrize("kind", NOT_PLAIN)
def test_what_is_no_plain_jpeg_is_left_to_pillow(kind, tmp_path):
    NOT_PLAIN[kind](smooth(5), tmp_path / "a")
    assert size_of_plain_jpeg((tmp_path / "a").read_bytes()) is None


def test_a_part_of_an_image_is_black_beyond_its_border():
    pixels = np.asarray(smooth(5, (20, 10)))
    pixels.setflags(write=False)
    padded = np.pad(pixels, ((9, 9), (9, 9), (0, 0)))
    for left, top, right, bottom in [(0, 0, 20, 10), (0, 2, 20, 5), (-3, -4, 15, 8), (5, 2, 27, 19), (-9, 3, 29, 4)]:
        found = DecodedImage(pixels).crop((left, top, right, bottom))
        assert np.array_equal(found, padded[top + 9 : bottom + 9, left + 9 : right + 9])
        assert found.flags.writeable


TURNED = {  # what EXIF says has to be done to the stored pixels
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", TURNED)
def test_images_are_upright_by_their_exif_orientation(orientation, suffix, tmp_path):
    stored, exif = smooth(3, (40, 30)), Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / f"plain.{suffix}")
    stored.save(tmp_path / f"a.{suffix}", exif=exif)
    with Image.open(tmp_path / f"plain.{suffix}") as plain:
        expected = np.asarray(plain.convert("RGB").transpose(TURNED[orientation]))
    assert (decoded(tmp_path / f"a.{suffix}") == expected).all()


def test_an_image_is_upright_by_xmp_where_there_is_no_exif(tmp_path):
    stored = smooth(3, (40, 30))
    stored.save(tmp_path / "plain.jpg")
    with_xmp(3)(stored, tmp_path / "a.jpg")
    assert (decoded(tmp_path / "a.jpg") == decoded(tmp_path / "plain.jpg")[::-1, ::-1]).all()


def test_a_sixteen_bit_image_is_turned_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY_16).save(tmp_path / "a.png", exif=exif)
    assert (decoded(tmp_path / "a.png")[:, :, 0] == np.rot90(EIGHT, -1)).all()


def test_exif_that_cannot_be_parsed_leaves_the_pixels_as_stored(tmp_path):
    smooth(1).save(tmp_path / "a.jpg", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12")
    smooth(1).save(tmp_path / "plain.jpg")
    assert (decoded(tmp_path / "a.jpg") == decoded(tmp_path / "plain.jpg")).all()


def palette(path):
    image = smooth(2).quantize(16)
    image.save(path, transparency=bytes(range(16)))
    return image.convert("RGB")


def with_alpha(mode):
    def make(path):
        image = smooth(2).convert(mode)
        image.putalpha(100)
        image.save(path)
        return image.convert("RGB")

    return make


def plain(mode):
    def make(path):
        image = smooth(2).convert(mode)
        image.save(path)
        return image.convert("RGB")

    return make


@pytest.mark.parametrize(
    ("make", "suffix"),
    [
        (plain("1"), "png"),
        (plain("L"), "png"),
        (with_alpha("L"), "png"),
        (with_alpha("RGB"), "png"),
        (palette, "png"),
        (plain("CMYK"), "tif"),
        (plain("P"), "gif"),
    ],
    ids=["1", "L", "LA", "RGBA", "P with transparency", "CMYK", "GIF"],
)
def test_every_mode_becomes_rgb_without_a_warning(make, suffix, tmp_path):
    expected = make(tmp_path / f"a.{suffix}")
    assert (decoded(tmp_path / f"a.{suffix}") == np.asarray(expected)).all()


def test_what_pillow_reads_is_read_and_nothing_that_starts_a_program():
    usual = {".jpg", ".jpeg", ".jfif", ".png", ".gif", ".bmp", ".webp", ".pgm", ".ppm", ".tif", ".tiff", ".jp2", ".mpo"}
    assert usual <= suffixes()
    assert not {".eps", ".ps", ".wmf", ".pdf", ".txt", ".db", ""} & suffixes()


def test_a_postscript_file_is_not_opened_whatever_its_name(tmp_path):
    smooth(0).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.jpg")
    with pytest.raises(DataError, match="cannot be read"):
        decode(tmp_path / "a.jpg")


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


DAMAGE = {
    "truncated": truncate,
    "text": lambda path: path.write_text("hello"),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
}


def noise(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "bmp"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_not_a_whole_image_is_named(suffix, damage, tmp_path):
    path = tmp_path / f"a.{suffix}"
    noise(path)
    decode(path)
    DAMAGE[damage](path)
    with pytest.raises(DataError, match=rf"image {path} cannot be read"):
        decode(path)


def test_an_image_above_pillow_s_limit_is_named_with_a_remedy(tmp_path, monkeypatch):
    noise(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"a\.png cannot be read: .*exceeds limit of 200 pixels.* Scale the image down"):
        decode(tmp_path / "a.png")
