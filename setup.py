"Installs the package as settings.ini describes it: one place for names, versions and requirements."
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

here = Path(__file__).parent
ini = ConfigParser(delimiters=['='])
ini.read(here / 'settings.ini', encoding='utf-8')
cfg = ini['DEFAULT']

setup(
    name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], keywords=cfg['keywords'],
    long_description=(here / 'README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown',
    author=cfg['author'], author_email=cfg['author_email'], url=cfg['git_url'], license='Apache-2.0',
    # benchmarks and studies are measured in a clone
    packages=find_packages(include=['dr_nbdev', 'dr_nbdev.*'], exclude=['dr_nbdev.benchmarks*', 'dr_nbdev.studies*']),
    package_data={cfg['lib_name']: ['weights/*/*', 'photos/*.json', 'photos/*.onnx', 'photos/*.npz', 'base/*.json', 'templates/*', 'templates/browser/*', 'rules/*', 'py.typed']},
    python_requires='>=' + cfg['min_python'],
    install_requires=cfg['requirements'].split(),
    extras_require={o: cfg[f'{o}_requirements'].split() for o in ('train', 'onnx', 'openvino', 'lite', 'kaggle', 'hub', 'audit', 'app', 'dicom', 'clinic', 'tiff', 'phone', 'serve', 'remote', 'parquet', 'ray', 'timm', 'dev')},
    entry_points={'console_scripts': cfg['console_scripts'].split(),
                  'nbdev': [f"{cfg['lib_name']}={cfg['lib_path']}._modidx:d"]},
)
