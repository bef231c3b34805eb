# SPDX-License-Identifier: Apache-2.0
"""`CvBridge` as in cv_bridge, for 8 and 16 bit images.

Conversions are those of cv_bridge's own table: between colours by OpenCV, from 16 to 8 bits by 255 / 65535.
"""

import re
import sys
from array import array
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

Pixels = NDArray[Any]

# OpenCV names a Bayer pattern by its second row and columns; ROS by its first two pixels
TO_RGB = {
    'rgb8': None, 'bgr8': cv2.COLOR_BGR2RGB, 'rgba8': cv2.COLOR_RGBA2RGB, 'bgra8': cv2.COLOR_BGRA2RGB,
    'mono8': cv2.COLOR_GRAY2RGB, 'mono16': cv2.COLOR_GRAY2RGB,
    'rgb16': None, 'bgr16': cv2.COLOR_BGR2RGB, 'rgba16': cv2.COLOR_RGBA2RGB, 'bgra16': cv2.COLOR_BGRA2RGB,
    'yuv422': cv2.COLOR_YUV2RGB_UYVY, 'yuv422_yuy2': cv2.COLOR_YUV2RGB_YUY2,
    'bayer_rggb8': cv2.COLOR_BayerBG2RGB, 'bayer_bggr8': cv2.COLOR_BayerRG2RGB,
    'bayer_gbrg8': cv2.COLOR_BayerGR2RGB, 'bayer_grbg8': cv2.COLOR_BayerGB2RGB,
}  # fmt: skip
CHANNELS = {'rgb': 3, 'bgr': 3, 'rgba': 4, 'bgra': 4, 'mono': 1}
_GENERIC = re.compile(r'(8|16)U(?:C([1-4]))?')
_NAMED = re.compile(r'(rgba?|bgra?|mono)(8|16)')


class CvBridgeError(TypeError):
    """A message or a conversion that cv_bridge cannot make."""


class CvBridge:
    """Converts images; it has no state."""

    def imgmsg_to_cv2(self, img_msg: Any, desired_encoding: str = 'passthrough') -> Pixels:
        """Return the pixels of a sensor_msgs/Image, shape (height, width[, channels]); 'passthrough' copies nothing.

        Raises:
            CvBridgeError: for an encoding or conversion that is not known.
            TypeError: if the data are too few for the size.
        """
        dtype, channels = _layout(img_msg.encoding)
        order = dtype.newbyteorder('>' if img_msg.is_bigendian else '<')
        columns = img_msg.step // dtype.itemsize // channels
        shape = (img_msg.height, columns) if channels == 1 else (img_msg.height, columns, channels)
        data = np.asarray(img_msg.data, order) if isinstance(img_msg.data, list) else img_msg.data
        pixels = np.ascontiguousarray(np.ndarray(shape, order, data)[:, : img_msg.width])
        if bool(img_msg.is_bigendian) == (sys.byteorder == 'little'):
            pixels = pixels.astype(dtype)
        return pixels if desired_encoding == 'passthrough' else convert(pixels, img_msg.encoding, desired_encoding)

    def cv2_to_imgmsg(self, cvim: Pixels, encoding: str = 'passthrough', header: Any = None) -> Image:
        """Return pixels as a sensor_msgs/Image.

        Raises:
            CvBridgeError: if the encoding is not one of these pixels.
            TypeError: if `cvim` is no array.
        """
        if not isinstance(cvim, np.ndarray):
            raise TypeError('Your input type is not a numpy array')
        channels = 1 if cvim.ndim == 2 else cvim.shape[2]
        own = f'{8 * cvim.dtype.itemsize}UC{channels}'
        if encoding != 'passthrough' and _layout(encoding) != (cvim.dtype, channels):
            raise CvBridgeError(f'encoding specified as {encoding}, but image has incompatible type {own}')
        message = Image(height=cvim.shape[0], width=cvim.shape[1], encoding=own if encoding == 'passthrough' else encoding)
        if header is not None:
            message.header = header
        message.is_bigendian = int(sys.byteorder == 'big')
        message.step = cvim.nbytes // cvim.shape[0]
        message.data = array('B', cvim.tobytes())
        return message


def convert(pixels: Pixels, source: str, wanted: str) -> Pixels:
    """Return pixels in another encoding, as `cvtColor2` of cv_bridge does.

    Raises:
        CvBridgeError: if one of the two is no colour, or not known here.
    """
    if source == wanted:
        return pixels.copy()
    if source not in TO_RGB or wanted not in ('rgb8', 'bgr8'):
        raise CvBridgeError(f'[{source}] is not a color format. but [{wanted}] is. The conversion does not make sense')
    code = TO_RGB[source]
    try:
        rgb = pixels if code is None else cv2.cvtColor(pixels, code)
    except cv2.error as error:
        raise CvBridgeError(str(error)) from error
    if rgb.dtype == np.uint16:
        rgb = cv2.convertScaleAbs(rgb, alpha=255.0 / 65535.0)
    return rgb if wanted == 'rgb8' else cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)


def _layout(encoding: str) -> tuple[np.dtype[Any], int]:
    """Return the type and the number of channels of an encoding."""
    if encoding in ('yuv422', 'yuv422_yuy2'):
        return np.dtype(np.uint8), 2
    if encoding.startswith('bayer_') and encoding in TO_RGB:
        return np.dtype(np.uint8), 1
    if named := _NAMED.fullmatch(encoding):
        return np.dtype(f'uint{named[2]}'), CHANNELS[named[1]]
    if generic := _GENERIC.fullmatch(encoding):
        return np.dtype(f'uint{generic[1]}'), int(generic[2] or 1)
    raise CvBridgeError(f'Unrecognized image encoding [{encoding}]')
